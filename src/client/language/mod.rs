//! In which language does the page speak?
//!
//! The code's texts are English, and are themselves the keys: `public/lang/ko.po` has them all, each with what it is in
//! Korean. What the server says is English as well, for every client and every tab at once: it is turned where it is shown.
//! English pages load nothing for this. A page speaks one language for its life: another choice is another page.

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

/// A text of ours in the reader's language.
pub fn t(text: &'static str) -> &'static str {
    table().and_then(|table| table.exact(text)).unwrap_or(text)
}

/// A text of ours with values in it, in the reader's language: `t!("{} of {} run", up, all)`. Another language may have them
/// in another order: `{1}`, counted from 0.
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

/// What the server or the engine said, in the reader's language where it is a text of ours.
pub fn told(text: &str) -> String {
    table().and_then(|table| table.told(text)).unwrap_or_else(|| text.to_owned())
}
