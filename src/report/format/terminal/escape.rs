//! Makes text from elsewhere harmless: what steers a terminal or cannot be seen becomes a visible escape.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What escapes begin with. A text that has one of its own gets its backslashes doubled.
const ESCAPES: [&str; 6] = ["\\\\", "\\n", "\\r", "\\t", "\\u{", "\\x20"];

/// Text on one line in which every character can be seen. Where something is escaped, or looks as if it were, backslashes are
/// doubled, so that two different texts never look the same.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) && !ESCAPES.iter().any(|escape| text.contains(escape)) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            unseen if is_unseen(unseen) => write!(escaped, "\\u{{{:x}}}", u32::from(unseen)).expect("a text takes all"),
            seen => escaped.push(seen),
        }
    }
    Cow::Owned(escaped)
}

/// Control characters (ESC and C1 among them), line and paragraph separators, bidirectional controls, and characters without
/// a width or a shape of their own. After Unicode TR 36 (3.2) and its Default_Ignorable_Code_Point.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(escape("a\u{1b}[31mb\u{9b}c\r\n\t"), "a\\u{1b}[31mb\\u{9b}c\\r\\n\\t");
        assert_eq!(escape("\u{202e}txt\u{200b}.\u{feff}"), "\\u{202e}txt\\u{200b}.\\u{feff}");
        assert_eq!(escape("pay\u{e0041}load"), "pay\\u{e0041}load");
    }

    #[test]
    fn letters_of_every_script_stay_as_they_are() {
        assert_eq!(escape("Łukasz 李伟 ^\\d+$"), "Łukasz 李伟 ^\\d+$");
    }

    #[test]
    fn an_escape_and_its_literal_text_differ() {
        assert_ne!(escape("\u{1b}"), escape("\\u{1b}"));
        assert_eq!(escape("\\u{1b}\u{1b}"), "\\\\u{1b}\\u{1b}");
    }
}
