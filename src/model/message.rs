//! Messages, most of them of the server: an English text with named values, translated where it is shown.
//!
//! A message consists of what [`crate::message!`] was given, so that a page can show it in its user's language. Words that have no
//! translation, such as an engine's own, are [verbatim](Message::verbatim).

use super::{ContainerId, ContainerName, HostId, ImageId, ImageName, NetworkId, NetworkName, VolumeName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// In JSON it is the finished English text, and in binary its template and values, which [`StructuredMessage`] also has in JSON.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// Not translated: the words of an engine or a tool, a name, a number.
    Verbatim(String),
    Text {
        /// English, with `{name}` for each value. Identifies the message in the translations.
        template: Cow<'static, str>,
        /// One for each name in the template, in its order.
        values: Vec<Message>,
    },
}

/// A text with values: `message!("Port {port} is in use", port)`, or `message!("{count} removed", count = gone.len())`. Values are
/// listed in the order of the template, which is checked at compile time.
#[macro_export]
macro_rules! message {
    ($template:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        const _: () = $crate::model::check_template($template, &[$(stringify!($name)),*]);
        $crate::model::Message::with($template, vec![$($crate::message!(@value $name $(= $value)?)),*])
    }};
    (@value $name:ident) => { $crate::model::Message::from_value(&$name) };
    (@value $name:ident = $value:expr) => { $crate::model::Message::from_value(&$value) };
}

/// A value of a message: another message, or anything with a text, which is not translated.
pub trait MessageValue {
    fn to_message(&self) -> Message;
}

impl Message {
    /// A text that is not translated.
    pub fn verbatim(text: impl fmt::Display) -> Self {
        Self::Verbatim(text.to_string())
    }

    /// A word of a closed list, such as a state's, which the translations contain as it is.
    pub fn term(word: &'static str) -> Self {
        Self::with(word, Vec::new())
    }

    /// See [`crate::message!`].
    pub fn with(template: &'static str, values: Vec<Self>) -> Self {
        Self::Text { template: template.into(), values }
    }

    /// From a template that is known at run time only, with the values by name.
    pub fn named(template: String, value: impl FnMut(&str) -> Self) -> Self {
        let values = names(&template).map(value).collect();
        Self::Text { template: template.into(), values }
    }

    /// See [`crate::message!`].
    pub fn from_value(value: &(impl MessageValue + ?Sized)) -> Self {
        value.to_message()
    }

    /// The parts, separated by commas.
    pub fn list(parts: impl IntoIterator<Item = Self>) -> Self {
        let joined = parts.into_iter().reduce(|before, last| message!("{before}, {last}", before, last));
        joined.unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::Verbatim(text) => text.is_empty(),
            Self::Text { template, .. } => template.is_empty(),
        }
    }

    /// The text in a language whose templates `translation` returns. English for those that it lacks.
    pub fn translated(&self, translation: &dyn Fn(&str) -> Option<&'static str>) -> String {
        let mut whole = String::new();
        self.write(&mut whole, translation).expect("a string accepts any text");
        whole
    }

    fn write(&self, to: &mut dyn fmt::Write, translation: &dyn Fn(&str) -> Option<&'static str>) -> fmt::Result {
        let (template, values) = match self {
            Self::Verbatim(text) => return to.write_str(text),
            Self::Text { template, values } => (&**template, values),
        };
        for (text, name) in Pieces(translation(template).unwrap_or(template)) {
            to.write_str(text)?;
            let Some(name) = name else { continue };
            if let Some(value) = names(template).position(|it| it == name).and_then(|at| values.get(at)) {
                value.write(to, translation)?;
            }
        }
        Ok(())
    }
}

/// The names of a template's values.
fn names(template: &str) -> impl Iterator<Item = &str> {
    Pieces(template).filter_map(|(_, name)| name)
}

/// The pieces of a template: a text, and the name of the value that follows it.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = (&'a str, Option<&'a str>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = self.0.split_once('{').and_then(|(text, rest)| Some((text, rest.split_once('}')?)));
        let Some((text, (name, rest))) = split else { return Some((std::mem::take(&mut self.0), None)) };
        self.0 = rest;
        Some((text, Some(name)))
    }
}

/// Checks that the names in a template are these, in this order.
///
/// # Panics
/// If it doesn't, which is at compile time in [`crate::message!`].
pub const fn check_template(template: &str, names: &[&str]) {
    let text = template.as_bytes();
    let (mut at, mut number) = (0, 0);
    while at < text.len() {
        if text[at] == b'{' {
            assert!(number < names.len(), "the template has more values than are given");
            let name = names[number].as_bytes();
            let mut letter = 0;
            while letter < name.len() {
                at += 1;
                assert!(at < text.len() && text[at] == name[letter], "the values differ from the template's");
                letter += 1;
            }
            at += 1;
            assert!(at < text.len() && text[at] == b'}', "the values differ from the template's");
            number += 1;
        }
        at += 1;
    }
    assert!(number == names.len(), "more values are given than the template has");
}

impl fmt::Display for Message {
    /// The English text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, &|_| None)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::Verbatim(String::new())
    }
}

/// Compares the English text.
impl PartialEq<&str> for Message {
    fn eq(&self, text: &&str) -> bool {
        let english = self.to_string();
        english == *text
    }
}

impl MessageValue for Message {
    fn to_message(&self) -> Message {
        self.clone()
    }
}

impl<T: MessageValue + ?Sized> MessageValue for &T {
    fn to_message(&self) -> Message {
        (**self).to_message()
    }
}

/// Types whose text is the same in every language.
macro_rules! verbatim {
    ($($type:ty),+) => { $(
        impl MessageValue for $type {
            fn to_message(&self) -> Message {
                Message::verbatim(self)
            }
        }
    )+ };
}

verbatim!(str, String, Cow<'_, str>, u8, u16, u32, u64, usize, i32, i64, std::io::Error, std::path::Display<'_>);
verbatim!(ContainerId, ContainerName, HostId, ImageId, ImageName, NetworkId, NetworkName, VolumeName);

/// The binary encoding is a flat list, each template followed by its values: nested data could exhaust the stack of its reader.
#[derive(Serialize, Deserialize)]
enum Part<'a> {
    Verbatim(Cow<'a, str>),
    Template(Cow<'a, str>),
}

/// Deeper values of a received message are left out.
const DEEPEST: usize = 16;

impl Message {
    fn add_to<'a>(&'a self, parts: &mut Vec<Part<'a>>) {
        match self {
            Self::Verbatim(text) => parts.push(Part::Verbatim(text.into())),
            Self::Text { template, values } => {
                parts.push(Part::Template((&**template).into()));
                values.iter().for_each(|value| value.add_to(parts));
            }
        }
    }

    fn take_from(parts: &mut impl Iterator<Item = Part<'static>>, depth: usize) -> Self {
        match parts.next() {
            Some(Part::Verbatim(text)) => Self::Verbatim(text.into_owned()),
            Some(Part::Template(template)) if depth > 0 => {
                Self::named(template.into_owned(), |_| Self::take_from(&mut *parts, depth - 1))
            }
            Some(Part::Template(_)) | None => Self::default(),
        }
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let mut parts = Vec::new();
        self.add_to(&mut parts);
        parts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer).map(Self::Verbatim);
        }
        let parts = Vec::<Part>::deserialize(deserializer)?;
        Ok(Self::take_from(&mut parts.into_iter(), DEEPEST))
    }
}

/// A message in JSON with its values: `{"id": template, "values": {name: value, …}}`, or a string if it is verbatim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Named", into = "Named")]
pub struct StructuredMessage(pub Message);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Named {
    Verbatim(String),
    Text { id: String, values: BTreeMap<String, Self> },
}

impl From<StructuredMessage> for Named {
    fn from(StructuredMessage(message): StructuredMessage) -> Self {
        match message {
            Message::Verbatim(text) => Self::Verbatim(text),
            Message::Text { template, values } => {
                let values =
                    names(&template).map(str::to_owned).zip(values.into_iter().map(|it| StructuredMessage(it).into()));
                Self::Text { values: values.collect(), id: template.into_owned() }
            }
        }
    }
}

impl From<Named> for StructuredMessage {
    fn from(named: Named) -> Self {
        Self(match named {
            Named::Verbatim(text) => Message::Verbatim(text),
            Named::Text { id, mut values } => {
                Message::named(id, |name| values.remove(name).map_or_else(Message::default, |it| Self::from(it).0))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_use() -> Message {
        let port = 8080_u16;
        let why = message!("Out of luck");
        message!("Port {port} is in use: {why}", port, why)
    }

    #[test]
    fn message_is_written_in_english_and_in_other_languages() {
        assert_eq!(in_use().to_string(), "Port 8080 is in use: Out of luck");
        let korean = |template: &str| match template {
            "Port {port} is in use: {why}" => Some("{why}: {port} 포트 사용 중"),
            "Out of luck" => Some("운이 없음"),
            _ => None,
        };
        assert_eq!(in_use().translated(&korean), "운이 없음: 8080 포트 사용 중");
        assert_eq!(Message::verbatim("Out of luck").translated(&korean), "Out of luck");
        let nested = (0..100).fold(Message::default(), |inner, _| message!("{inner}!", inner));
        let bytes = postcard::to_allocvec(&nested).unwrap();
        assert_eq!(postcard::from_bytes::<Message>(&bytes).unwrap().to_string(), "!".repeat(DEEPEST));
        // Braces in values are not templates.
        let name = "{why}";
        assert_eq!(message!("{name} not found", name).to_string(), "{why} not found");
    }

    #[test]
    fn json_has_the_english_text_and_binary_has_the_values() {
        let message = in_use();
        assert_eq!(serde_json::to_string(&message).unwrap(), "\"Port 8080 is in use: Out of luck\"");
        let bytes = postcard::to_allocvec(&message).unwrap();
        assert_eq!(postcard::from_bytes::<Message>(&bytes).unwrap(), message);
        let stored = serde_json::to_value(StructuredMessage(message.clone())).unwrap();
        let why = serde_json::json!({"id": "Out of luck", "values": {}});
        let id = "Port {port} is in use: {why}";
        assert_eq!(stored, serde_json::json!({"id": id, "values": {"port": "8080", "why": why}}));
        assert_eq!(serde_json::from_value::<StructuredMessage>(stored).unwrap().0, message);
        assert_eq!(serde_json::from_str::<StructuredMessage>("\"plain\"").unwrap().0, Message::verbatim("plain"));
    }
}
