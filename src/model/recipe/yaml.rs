//! YAML writer, limited to what a compose.yaml needs.

use crate::model::Labels;
use std::fmt::Write;

/// Writes nested maps and lists of texts.
#[derive(Default)]
pub(super) struct Yaml {
    pub text: String,
    depth: usize,
    /// The next key is written on the line of its dash.
    after_dash: bool,
}

impl Yaml {
    fn indent(&mut self) {
        if std::mem::take(&mut self.after_dash) {
            return;
        }
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    pub fn open(&mut self, key: &str) {
        self.indent();
        let _ = writeln!(self.text, "{key}:");
        self.depth += 1;
    }

    pub fn close(&mut self) {
        self.depth -= 1;
    }

    /// Closes a map, or writes an empty one if it has no entries.
    pub fn close_or_empty(&mut self) {
        self.depth -= 1;
        let indent = "  ".repeat(self.depth);
        let last = self.text.trim_end().rsplit('\n').next().unwrap_or_default();
        if last.ends_with(':') && last.starts_with(&indent) && !last[indent.len()..].starts_with(' ') {
            self.text.truncate(self.text.trim_end().len());
            self.text.push_str(" {}\n");
        }
    }

    pub fn bare(&mut self, key: &str, value: &str) {
        self.indent();
        let _ = writeln!(self.text, "{key}: {value}");
    }

    pub fn text(&mut self, key: &str, value: &str) {
        self.bare(key, &scalar(value));
    }

    /// Starts a map in a list, with its first key.
    pub fn item(&mut self, key: &str, value: &str) {
        self.indent();
        self.text.push_str("- ");
        self.depth += 1;
        self.after_dash = true;
        self.text(key, value);
    }

    pub fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            self.optional_list(key, Some(values));
        }
    }

    pub fn optional_list(&mut self, key: &str, values: Option<&[String]>) {
        match values {
            None => {}
            Some([]) => self.bare(key, "[]"),
            Some(values) => {
                self.open(key);
                for value in values {
                    self.indent();
                    let _ = writeln!(self.text, "- {}", scalar(value));
                }
                self.close();
            }
        }
    }

    pub fn map(&mut self, key: &str, pairs: &Labels) {
        if pairs.is_empty() {
            return;
        }
        self.open(key);
        for (key, value) in pairs.iter() {
            self.bare(&quoted_yaml(key), &quoted_always(&dollars(value)));
        }
        self.close();
    }
}

/// Escapes dollar signs, which start a variable in Compose.
fn dollars(text: &str) -> String {
    text.replace('$', "$$")
}

/// Writes a text value so that no parser reads it as a number, a boolean or null.
fn scalar(text: &str) -> String {
    let text = dollars(text);
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.' | '/');
    let is_word = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/') && text.chars().all(plain);
    let is_taken = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&&*text.to_ascii_lowercase());
    if is_word && !is_taken { text } else { quoted_always(&text) }
}

pub(super) fn quoted_yaml(key: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    let is_word = key.starts_with(|it: char| it.is_ascii_alphabetic()) && key.chars().all(plain);
    let is_taken = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&&*key.to_ascii_lowercase());
    if is_word && !is_taken { key.to_owned() } else { quoted_always(key) }
}

/// Quotes as in JSON, which is valid YAML.
fn quoted_always(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
