//! Translations into one language: a gettext PO file with entries of two lines each, sorted by the first.

pub struct Table {
    /// Sorted by the English text, ascending.
    texts: Vec<(&'static str, &'static str)>,
}

impl Table {
    pub fn read(po: &'static str) -> Self {
        let mut texts = Vec::new();
        let mut english = "";
        for line in po.lines() {
            if let Some(text) = quoted(line, "msgid ") {
                english = text;
            } else if let Some(text) = quoted(line, "msgstr ").filter(|text| !text.is_empty() && !english.is_empty()) {
                texts.push((english, text));
            }
        }
        Self { texts }
    }

    #[cfg(test)]
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.texts.iter().copied()
    }

    pub fn exact(&self, english: &str) -> Option<&'static str> {
        let found = self.texts.binary_search_by(|(text, _)| (*text).cmp(english));
        found.ok().map(|at| self.texts[at].1)
    }
}

/// Returns the quoted text that follows a keyword.
fn quoted(line: &'static str, keyword: &str) -> Option<&'static str> {
    let text = line.strip_prefix(keyword)?.strip_prefix('"')?.strip_suffix('"')?;
    // Leaked once for the lifetime of the process.
    Some(if text.contains('\\') { text.replace("\\\"", "\"").replace("\\n", "\n").leak() } else { text })
}

/// Fills values into a text: `{}` is the next value, and `{1}` the second.
pub fn filled(text: &str, of: impl Fn(usize) -> String) -> String {
    let mut whole = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut next = 0;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((which, behind)) = behind.split_once('}') else { break };
        whole.push_str(before);
        let at = which.parse().unwrap_or(next);
        next = at + 1;
        whole.push_str(&of(at));
        rest = behind;
    }
    whole.push_str(rest);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table::read(concat!(
            "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\"\n\n",
            "msgid \"It is gone\"\nmsgstr \"없습니다\"\n\n",
            "msgid \"Say \\\"yes\\\"\"\nmsgstr \"\\\"예\\\"라고 하세요\"\n",
        ))
    }

    #[test]
    fn exact_text_is_translated() {
        assert_eq!(table().exact("It is gone"), Some("없습니다"));
        assert_eq!(table().exact("Say \"yes\""), Some("\"예\"라고 하세요"));
        assert_eq!((table().exact(""), table().exact("Other")), (None, None));
    }

    #[test]
    fn placeholders_are_filled_by_position() {
        let fill = |text: &str| filled(text, |at| ["a", "b"].get(at).unwrap_or(&"?").to_string());
        assert_eq!(fill("{} and {}"), "a and b");
        assert_eq!(fill("{1}, {0}, {}"), "b, a, b");
        assert_eq!(fill("no value, {open"), "no value, {open");
    }
}
