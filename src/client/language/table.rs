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

    /// Translates a finished text, including one with values filled in. A text of several sentences or lines is
    /// translated piece by piece if all pieces are known, because a value is seldom a sentence.
    pub fn translate_message(&self, english: &str) -> Option<String> {
        if let Some(text) = self.exact(english) {
            return Some(text.to_owned());
        }
        let Some(between) = ["\n", ". "].into_iter().find(|it| english.contains(it)) else {
            return self.sentence(english, 1);
        };
        let parts: Vec<&str> = english.split(between).collect();
        let mut pieces = Vec::new();
        let mut is_known = true;
        let mut at = 0;
        while at < parts.len() {
            let several = (at + 2..=parts.len()).rev().filter(|_| between != "\n");
            let longest =
                several.filter_map(|end| Some((self.sentence(&parts[at..end].join(between), end - at)?, end)));
            let (piece, end) = longest.into_iter().next().unwrap_or_else(|| {
                let translated = self.translate_message(parts[at]);
                is_known &= translated.is_some();
                (translated.unwrap_or_else(|| parts[at].to_owned()), at + 1)
            });
            pieces.push(piece);
            at = end;
        }
        let whole = if is_known { None } else { self.sentence(english, 1) };
        Some(whole.unwrap_or_else(|| pieces.join(between)))
    }

    /// Finds the template of so many sentences that may have produced the text and shares the most with it. Joined sentences
    /// have lost or gained full stops.
    fn sentence(&self, english: &str, sentences: usize) -> Option<String> {
        let mut best = None;
        let mut most = 0;
        let without = english.strip_suffix('.').map(|english| (english, "."));
        for (english, stop) in without.into_iter().chain([(english, "")]) {
            if let Some(text) = self.exact(english) {
                return Some(format!("{text}{stop}"));
            }
            for (text, other) in &self.texts {
                if text.len() > most
                    && text.matches(". ").count() + 1 == sentences
                    && let Some(values) = values(text, english)
                    && can_be_recognized(text, &values)
                {
                    (best, most) = (Some((other, values, stop)), text.len());
                }
            }
        }
        let (other, values, stop) = best?;
        let of = |at: usize| values.get(at).map(|value| (*value).to_owned()).unwrap_or_default();
        Some(filled(other, of, &|value| self.translate_message(&value).unwrap_or(value)) + stop)
    }
}

/// Returns the quoted text that follows a keyword.
fn quoted(line: &'static str, keyword: &str) -> Option<&'static str> {
    let text = line.strip_prefix(keyword)?.strip_prefix('"')?.strip_suffix('"')?;
    // Leaked once for the lifetime of the process.
    Some(if text.contains('\\') { text.replace("\\\"", "\"").replace("\\n", "\n").leak() } else { text })
}

/// Whether a template has enough text around its values to be recognized: "{} process" must match "3 process", but not
/// "no such process".
fn can_be_recognized(text: &str, values: &[&str]) -> bool {
    let words = text.split(|it: char| !it.is_alphabetic()).filter(|word| word.len() > 1);
    let are_names = || values.iter().all(|value| !value.contains(' '));
    !values.is_empty() && (text.starts_with(char::is_uppercase) || words.count() > 1 || are_names())
}

/// Returns the values that stand for the `{}` placeholders of `text`.
fn values<'a>(text: &str, message: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = text.split("{}");
    let mut rest = message.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let end = match parts.peek() {
            // A value is as short as possible, except the last one.
            Some(_) => rest.find(part)?,
            None => rest.len() - rest.ends_with(part).then_some(part.len())?,
        };
        values.push(&rest[..end]);
        rest = &rest[end + part.len()..];
    }
    Some(values)
}

/// Fills values into a text: `{}` is the next value, `{1}` the second, and `{:t}` or `{1:t}` a value that is translated
/// itself.
pub fn filled(text: &str, of: impl Fn(usize) -> String, translate: &dyn Fn(String) -> String) -> String {
    let mut whole = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut next = 0;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((which, behind)) = behind.split_once('}') else { break };
        whole.push_str(before);
        let (number, is_text) = which.strip_suffix(":t").map_or((which, false), |number| (number, true));
        let at = number.parse().unwrap_or(next);
        next = at + 1;
        whole.push_str(&if is_text { translate(of(at)) } else { of(at) });
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
            "msgid \"It is renamed. Rename {}\"\nmsgstr \"이름이 바뀜. {} 되돌리기\"\n\n",
            "msgid \"Say \\\"yes\\\"\"\nmsgstr \"\\\"예\\\"라고 하세요\"\n\n",
            "msgid \"{} did not work: {}\"\nmsgstr \"{} 실패: {:t}\"\n\n",
            "msgid \"{} is renamed\"\nmsgstr \"{} 이름 변경\"\n\n",
            "msgid \"{} process\"\nmsgstr \"프로세스 {}개\"\n\n",
            "msgid \"{} holds on to {}\"\nmsgstr \"{1} 사용: {0}\"\n\n",
            "msgid \"{} holds on to {} now\"\nmsgstr \"지금 {1} 사용: {0}\"\n",
        ))
    }

    #[test]
    fn exact_text_is_translated() {
        assert_eq!(table().exact("It is gone"), Some("없습니다"));
        assert_eq!(table().exact("Say \"yes\""), Some("\"예\"라고 하세요"));
        assert_eq!((table().exact(""), table().exact("Other")), (None, None));
    }

    #[test]
    fn text_with_values_matches_its_template() {
        let translated = |text| table().translate_message(text);
        assert_eq!(translated("web holds on to img:1").as_deref(), Some("img:1 사용: web"));
        assert_eq!(translated("web holds on to img:1 now").as_deref(), Some("지금 img:1 사용: web"));
        assert_eq!(translated("Stop did not work: It is gone").as_deref(), Some("Stop 실패: 없습니다"));
        assert_eq!(translated("Stop did not work: no idea").as_deref(), Some("Stop 실패: no idea"));
        assert_eq!((translated("something else"), translated("no such process")), (None, None));
        assert_eq!(translated("1 process").as_deref(), Some("프로세스 1개"));
        assert_eq!(
            translated("It is gone. web holds on to img:1 now.").as_deref(),
            Some("없습니다. 지금 img:1 사용: web.")
        );
        assert_eq!(
            translated("It is gone. It is renamed. Rename web.").as_deref(),
            Some("없습니다. 이름이 바뀜. web 되돌리기.")
        );
        assert_eq!(translated("unheard of\nIt is gone").as_deref(), Some("unheard of\n없습니다"));
    }

    #[test]
    fn placeholders_are_filled_by_position() {
        let fill = |text: &str| filled(text, |at| ["a", "b"].get(at).unwrap_or(&"?").to_string(), &|it| it);
        assert_eq!(fill("{} and {}"), "a and b");
        assert_eq!(fill("{1}, {0}, {}"), "b, a, b");
        assert_eq!(fill("no value, {open"), "no value, {open");
    }
}
