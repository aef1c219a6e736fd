//! One log line: time, container name, level and text, with search hits marked.

use super::{HIGH, level::level};
use crate::{
    model::{LogLine, LogStream, Timestamp, ansi},
    views::format,
};
use leptos::prelude::*;

/// Longer lines are truncated on the screen. Selecting a line shows all of it.
const SHOWN: usize = 2_000;

/// Display settings shared by the lines on the screen.
#[derive(Clone, PartialEq)]
pub(super) struct LineStyle {
    pub(super) times: bool,
    /// Names of the sources. Empty if there is only one.
    pub(super) names: Vec<String>,
    /// In lower case.
    pub(super) words: String,
    pub(super) selected: Option<i64>,
}

/// The part of a line that the screen shows.
pub(super) fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN)]
}

/// `rows` is the line's height.
pub(super) fn line((number, it, rows): (i64, &LogLine, u64), look: &LineStyle) -> AnyView {
    let time = look.times.then(|| view! { <time>{time(it.at)}</time> }.into_any());
    let name = look.names.get(usize::from(it.source)).cloned();
    let source = (it.source % 6).to_string();
    let name = name.map(|name| view! { <b data-source=source>{name}</b> }.into_any());
    let (stream, level) = match it.stream {
        LogStream::Note => ("note", None),
        LogStream::Stderr => ("stderr", level(&it.text)),
        LogStream::Stdout => ("stdout", level(&it.text)),
    };
    let is_selected = (look.selected == Some(number)).then_some("true");
    view! {
        <li
            data-stream=stream
            data-level=level.map(|level| level.as_str())
            data-line=number.to_string()
            aria-current=is_selected
            style:block-size=(rows > 1).then(|| format!("{}px", rows * HIGH))
        >
            {time}
            {name}
            <span>{text(&it.text, &look.words)}</span>
        </li>
    }
    .into_any()
}

/// The time of day with milliseconds.
fn time(at: Timestamp) -> String {
    format!("{}.{:03}", format::time_of_day(at), at.millis().rem_euclid(1_000))
}

fn text(text: &str, words: &str) -> Vec<AnyView> {
    let (all, text) = (text, shown(text));
    let mut parts = Vec::new();
    for span in ansi::spans(text) {
        let class = class(span.style);
        for (part, is_found) in marked(span.text, words) {
            let part = visible(part);
            parts.push(match (is_found, &class) {
                (true, _) => view! { <mark>{part}</mark> }.into_any(),
                (false, Some(class)) => view! { <span class=class.clone()>{part}</span> }.into_any(),
                (false, None) => part.into_any(),
            });
        }
    }
    if text.len() < all.len() {
        parts.push("…".into_any());
    }
    parts
}

/// Shows control characters as their Unicode pictures, so that a NUL doesn't end the text.
fn visible(text: &str) -> String {
    let picture = |c: char| match c {
        '\t' => '\t',
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(c),
        '\u{7f}' => '\u{2421}',
        // Bidirectional controls would reverse the order of text on the whole line.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c => c,
    };
    text.chars().map(picture).collect()
}

/// Splits the text into parts with and without a match of `words`, which must be in lower case.
fn marked<'a>(text: &'a str, words: &str) -> Vec<(&'a str, bool)> {
    let lower = text.to_lowercase();
    // Lower-case letters may take more bytes, and then the byte offsets differ.
    if words.is_empty() || lower.len() != text.len() {
        return vec![(text, false)];
    }
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(found) = lower[at..].find(words) {
        let (start, end) = (at + found, at + found + words.len());
        let (Some(before), Some(hit)) = (text.get(at..start), text.get(start..end)) else { break };
        if !before.is_empty() {
            parts.push((before, false));
        }
        parts.push((hit, true));
        at = end;
    }
    if let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        parts.push((rest, false));
    }
    parts
}

fn class(style: ansi::Style) -> Option<String> {
    if style == ansi::Style::default() {
        return None;
    }
    let flags = [
        (style.bold, "bold"),
        (style.dim, "faint"),
        (style.italic, "italic"),
        (style.underlined, "underlined"),
        (style.inverse, "inverse"),
    ];
    let mut classes: Vec<String> = flags.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned()).collect();
    classes.extend(style.colour.map(|colour| format!("c{colour}")));
    classes.extend(style.background.map(|background| format!("g{background}")));
    Some(classes.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_hits_are_marked_in_the_line() {
        assert_eq!(marked("GET /get", "get"), [("GET", true), (" /", false), ("get", true)]);
        assert_eq!(marked("none", "get"), [("none", false)]);
        assert_eq!(marked("İx", "x"), [("İx", false)], "whose lower case is longer");
        assert_eq!(visible("a\0b\u{1b}\tc\u{202e}"), "a\u{2400}b\u{241b}\tc\u{fffd}");
    }
}
