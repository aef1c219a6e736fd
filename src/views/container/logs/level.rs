//! Log level detection, by the level word that most programs write near the beginning of a line.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl Level {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// How many bytes of a line are searched for a level.
const NEAR: usize = 160;

const WORDS: [(&str, Level); 13] = [
    ("fatal", Level::Error),
    ("panic", Level::Error),
    ("critical", Level::Error),
    ("error", Level::Error),
    ("err", Level::Error),
    ("warning", Level::Warn),
    ("warn", Level::Warn),
    ("wrn", Level::Warn),
    ("info", Level::Info),
    ("inf", Level::Info),
    ("notice", Level::Info),
    ("debug", Level::Debug),
    ("trace", Level::Debug),
];

/// The level of the first matching word that stands alone. A lower-case word in the middle of a sentence usually is no
/// level, so it counts only in capitals, after `level=`, in quotes or in brackets.
pub(super) fn level(text: &str) -> Option<Level> {
    let mut near = text.len().min(NEAR);
    while !text.is_char_boundary(near) {
        near -= 1;
    }
    let near = &text[..near];
    let mut at = 0;
    for word in near.split(|c: char| !c.is_ascii_alphabetic()) {
        let start = at;
        at = start + word.len() + near[start + word.len()..].chars().next().map_or(0, char::len_utf8);
        let Some((_, level)) = WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)) else { continue };
        let before = near[..start].chars().next_back();
        let is_marked = matches!(before, Some('=' | '"' | '[' | '<' | '(' | ':')) || start == 0;
        if is_marked || word.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Some(*level);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_is_detected_from_its_keyword() {
        for (text, expected) in [
            ("2026-11-28 12:00:01 ERROR cannot open", Some(Level::Error)),
            ("level=warn msg=slow", Some(Level::Warn)),
            (r#"{"level":"info","msg":"error rate"}"#, Some(Level::Info)),
            ("[debug] x", Some(Level::Debug)),
            ("error: no such file", Some(Level::Error)),
            ("INFO an error occurred", Some(Level::Info)),
            ("no error here", None),
            ("terror ERRORS", None),
            ("GET / 200", None),
            ("é".repeat(200).as_str(), None),
        ] {
            assert_eq!(level(text), expected, "{text}");
        }
    }
}
