//! Translation of the user interface.
//!
//! The texts in the code are English and serve as the keys: `public/lang/ko.po` contains each with its Korean
//! translation. One message of the server goes to every client and tab, so it is sent as a [`Message`] and translated where
//! it is shown. English pages load no translations. A page keeps its language for its lifetime: changing the language
//! reloads the page.

mod table;

#[cfg(not(feature = "hydrate"))]
mod drawn;
#[cfg(feature = "hydrate")]
mod page;
#[cfg(test)]
mod texts;

#[cfg(not(feature = "hydrate"))]
pub use drawn::table;
#[cfg(feature = "hydrate")]
pub use page::{learn, table};

use crate::model::Message;
use std::fmt::Display;

/// Translates a text of the code into the user's language.
pub fn t(text: &'static str) -> &'static str {
    table().and_then(|table| table.exact(text)).unwrap_or(text)
}

/// Translates a text of the code and fills in its values: `t!("{} of {} run", up, all)`. A translation may reorder the
/// values: `{1}`, counted from 0.
#[macro_export]
macro_rules! t {
    ($text:expr, $($value:expr),+ $(,)?) => {
        $crate::client::fill($text, &[$(&$value as &dyn ::std::fmt::Display),+])
    };
}

/// See [`t!`].
pub fn fill(text: &'static str, values: &[&dyn Display]) -> String {
    let of = |at: usize| values.get(at).map(ToString::to_string).unwrap_or_default();
    table::filled(t(text), of)
}

/// The text of a message in the user's language.
pub fn translate(message: &Message) -> String {
    message.translated(&|template| table().and_then(|table| table.exact(template)))
}

/// Translates a word of the protocol, such as an event's kind, if the translations contain it: a later engine may have more.
pub fn term(word: &str) -> String {
    table().and_then(|table| table.exact(word)).unwrap_or(word).to_owned()
}
