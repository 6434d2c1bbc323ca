//! Patterns of `*` and `?`, and the lists of OpenSSH: commas, and `!` before a pattern that refuses.

/// Whether a comma-separated list of patterns lets a text through: one matches and none that begins with `!` does.
pub fn list_matches(list: &str, text: &str) -> bool {
    let mut allowed = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(refused) if matches(refused, text) => return false,
            Some(_) => {}
            None => allowed |= matches(pattern, text),
        }
    }
    allowed
}

/// Whether a pattern is more than one fixed text.
pub fn is_pattern(text: &str) -> bool {
    text.starts_with('!') || text.contains(['*', '?'])
}

/// One pattern of `*` and `?` against one text, byte by byte, in time of their product at most.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((back, taken)) => {
                    star = Some((back, taken + 1));
                    at = back + 1;
                    read = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::list_matches;

    #[test]
    fn a_list_needs_one_match_and_no_refusal() {
        assert!(list_matches("bob@x,*@example.com", "alice@example.com"));
        assert!(!list_matches("!alice@example.com,*@example.com", "alice@example.com"));
        assert!(list_matches("!alice@example.com,*@example.com", "bob@example.com"));
        assert!(!list_matches("!alice@example.com", "bob@example.com"));
        assert!(list_matches("a?c*f", "abcdef"));
        assert!(!list_matches("a?c*f", "abcde"));
        assert!(list_matches("*a*b*", "xxaxxbxx"));
        assert!(!list_matches("", "x"));
    }

    #[test]
    fn many_stars_cost_no_more_than_the_product_of_the_lengths() {
        assert!(!list_matches(&"*a".repeat(2_000), &"a".repeat(1_999)));
    }
}
