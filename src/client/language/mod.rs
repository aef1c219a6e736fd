//! Translation of the user interface.
//!
//! The texts in the code are English and serve as the keys: `public/lang/ko.po` contains each with its Korean
//! translation. The server's texts are English as well, because one message goes to every client and tab, and are
//! translated where they are shown. English pages load no translations. A page keeps its language for its lifetime:
//! changing the language reloads the page.

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
    table::filled(t(text), of, &|value| value)
}

/// Translates a message from the server or the engine if the translations contain it.
pub fn translate_message(text: &str) -> String {
    table().and_then(|table| table.translate_message(text)).unwrap_or_else(|| text.to_owned())
}
