//! Parser of ANSI escape sequences: colored lines to typed spans, never to HTML.

/// The style of a span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// One of the terminal's sixteen colors. Colors of larger palettes are mapped to the nearest.
    pub colour: Option<u8>,
    pub background: Option<u8>,
    pub bold: bool,
    pub dim: bool,
    pub italic: bool,
    pub underlined: bool,
    pub inverse: bool,
}

/// A span of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span<'a> {
    pub style: Style,
    pub text: &'a str,
}

const ESCAPE: char = '\u{1b}';

/// Splits `line` into spans of one style each, without the escape sequences. Sequences that don't set a style are
/// ignored.
pub fn spans(line: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    let (mut style, mut rest) = (Style::default(), line);
    loop {
        let (text, after) = rest.split_once(ESCAPE).map_or((rest, None), |(text, after)| (text, Some(after)));
        if !text.is_empty() {
            spans.push(Span { style, text });
        }
        let Some(after) = after else { return spans };
        rest = sequence(after, &mut style);
    }
}

/// Returns `line` without its escape sequences.
pub fn plain(line: &str) -> String {
    spans(line).into_iter().map(|span| span.text).collect()
}

/// Returns the text behind the sequence that `after` starts with. The escape character is already removed.
fn sequence<'a>(after: &'a str, style: &mut Style) -> &'a str {
    if let Some(body) = after.strip_prefix('[') {
        let end = body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c));
        let Some(end) = end else { return "" };
        if body.as_bytes()[end] == b'm' {
            paint(&body[..end], style);
        }
        return &body[end + 1..];
    }
    // A title or a link. It ends with a bell, or with an escape and a backslash.
    if let Some(body) = after.strip_prefix(']') {
        let end = body.find(['\u{7}', ESCAPE]);
        return end.map_or("", |end| body[end + 1..].strip_prefix('\\').unwrap_or(&body[end + 1..]));
    }
    let mut left = after.chars();
    left.next();
    left.as_str()
}

fn paint(numbers: &str, style: &mut Style) {
    let mut numbers = numbers.split([';', ':']).map(|it| if it.is_empty() { Some(0) } else { it.parse::<u16>().ok() });
    while let Some(Some(number)) = numbers.next() {
        match number {
            0 => *style = Style::default(),
            1 => style.bold = true,
            2 => style.dim = true,
            3 => style.italic = true,
            4 => style.underlined = true,
            7 => style.inverse = true,
            22 => (style.bold, style.dim) = (false, false),
            23 => style.italic = false,
            24 => style.underlined = false,
            27 => style.inverse = false,
            30..=37 => style.colour = Some((number - 30) as u8),
            90..=97 => style.colour = Some((number - 82) as u8),
            39 => style.colour = None,
            40..=47 => style.background = Some((number - 40) as u8),
            100..=107 => style.background = Some((number - 92) as u8),
            49 => style.background = None,
            38 => style.colour = of_many(&mut numbers),
            48 => style.background = of_many(&mut numbers),
            _ => {}
        }
    }
}

/// Parses the parameters after 38 or 48: one of 256 colors, or red, green and blue.
fn of_many(numbers: &mut impl Iterator<Item = Option<u16>>) -> Option<u8> {
    let mut next = || numbers.next().flatten();
    match next()? {
        5 => match next()? {
            number @ 0..=15 => Some(number as u8),
            number @ 16..=231 => {
                let level = |it: u16| if it == 0 { 0 } else { 55 + it * 40 };
                let number = number - 16;
                Some(nearest(level(number / 36), level(number / 6 % 6), level(number % 6)))
            }
            number @ 232..=255 => {
                let grey = 8 + (number - 232) * 10;
                Some(nearest(grey, grey, grey))
            }
            _ => None,
        },
        2 => Some(nearest(next()?, next()?, next()?)),
        _ => None,
    }
}

/// Returns the color among the sixteen with the same dominant components and brightness.
fn nearest(red: u16, green: u16, blue: u16) -> u8 {
    let most = red.max(green).max(blue);
    let has = |part: u16| u8::from(most > 60 && part * 3 > most * 2);
    let colour = has(red) | has(green) << 1 | has(blue) << 2;
    let is_grey = colour == 7 && most < 160;
    if is_grey { 8 } else { colour + if most > 200 { 8 } else { 0 } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(line: &str) -> Vec<(&str, Style)> {
        spans(line).into_iter().map(|span| (span.text, span.style)).collect()
    }

    #[test]
    fn colors_become_spans_and_other_sequences_are_removed() {
        let red = Style { colour: Some(1), ..Style::default() };
        assert_eq!(parsed("a\u{1b}[31mb\u{1b}[0mc"), [("a", Style::default()), ("b", red), ("c", Style::default())]);
        assert_eq!(parsed("\u{1b}[1;91mx"), [("x", Style { colour: Some(9), bold: true, ..Style::default() })]);
        assert_eq!(parsed("\u{1b}[38;5;196mx"), [("x", Style { colour: Some(9), ..Style::default() })]);
        assert_eq!(parsed("\u{1b}[48;2;0;0;120mx"), [("x", Style { background: Some(4), ..Style::default() })]);
        assert_eq!(plain("\u{1b}]0;title\u{7}a\u{1b}[2Kb\u{1b}(Bc\u{1b}]8;;http://x\u{1b}\\d"), "abBcd");
        assert_eq!(plain("<b>&\u{1b}[31"), "<b>&");
    }

    proptest! {
        #[test]
        fn plain_text_never_contains_an_escape(line in "(\u{1b}|\\[|\\]|[0-9;m]|\\PC){0,60}") {
            let plain = plain(&line);
            prop_assert!(!plain.contains(ESCAPE));
        }
    }
}
