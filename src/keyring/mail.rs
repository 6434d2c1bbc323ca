//! E-mail addresses in user ids, principals and commits.

/// The one address of a user id such as `Alice <alice@example.com>` or `alice@example.com`, with its domain in lower case.
/// A user id that could be read in two ways has none.
pub(super) fn of_user_id(text: &str) -> Option<String> {
    let address = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>')?,
        None => text,
    };
    normal(address)
}

/// An address with its domain in lower case, or nothing where it is none. The local part stays as it is.
pub(super) fn normal(address: &str) -> Option<String> {
    let (local, domain) = address.split_once('@')?;
    let strange = |character: char| character.is_whitespace() || character.is_control() || "<>@,\"".contains(character);
    if local.is_empty() || domain.is_empty() || local.contains(strange) || domain.contains(strange) {
        return None;
    }
    Some(format!("{local}@{}", domain.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::of_user_id;

    #[test]
    fn a_user_id_has_one_address_or_none() {
        assert_eq!(of_user_id("Alice (work) <Alice@Example.COM>").as_deref(), Some("Alice@example.com"));
        assert_eq!(of_user_id("alice@example.com").as_deref(), Some("alice@example.com"));
        assert_eq!(of_user_id("Eve <alice@example.com> <eve@example.com>"), None);
        assert_eq!(of_user_id("Alice <alice@example.com> x"), None);
        assert_eq!(of_user_id("Alice"), None);
        assert_eq!(of_user_id("a@b@c"), None);
    }
}
