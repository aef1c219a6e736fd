//! Row layout of the shown lines: a wrapped line takes several rows.

use super::line::shown;
use crate::model::{LogLine, LogStream, ansi};
use std::collections::VecDeque;

/// The end of each line in rows, counted from an arbitrary start.
#[derive(Default)]
pub(super) struct LineHeights {
    ends: VecDeque<u64>,
    start: u64,
}

impl LineHeights {
    pub(super) fn push(&mut self, rows: u64) {
        self.ends.push_back(self.end() + rows);
    }

    /// Removes the first line. Returns its height in rows.
    pub(super) fn pop(&mut self) -> u64 {
        let Some(end) = self.ends.pop_front() else { return 0 };
        end - std::mem::replace(&mut self.start, end)
    }

    /// Total height of all lines.
    pub(super) fn rows(&self) -> u64 {
        self.end() - self.start
    }

    /// Rows above the line at `place`. For the place after the last line, the total.
    pub(super) fn above(&self, place: usize) -> u64 {
        match place.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).map_or(self.rows(), |end| end - self.start),
        }
    }

    /// The place of the line at this row.
    pub(super) fn place_at(&self, row: u64) -> usize {
        self.ends.partition_point(|end| end - self.start <= row)
    }

    fn end(&self) -> u64 {
        self.ends.back().copied().unwrap_or(self.start)
    }
}

/// Wrap settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fold {
    /// Characters per row. `None` turns wrapping off.
    pub(super) columns: Option<u64>,
    /// Characters taken by the time before a line's text.
    pub(super) time: u64,
    /// Characters taken by the container's name, by source number.
    pub(super) names: Vec<u64>,
}

impl Fold {
    pub(super) fn rows(&self, line: &LogLine) -> u64 {
        let Some(columns) = self.columns else { return 1 };
        let name = self.names.get(usize::from(line.source)).copied().unwrap_or_default();
        let name = if line.stream == LogStream::Note { 0 } else { name };
        let (width, is_plain) = width(&ansi::plain(shown(&line.text)));
        // A wide character that doesn't fit leaves the row short.
        let columns = if is_plain { columns } else { columns.saturating_sub(2) };
        (self.time + name + width).div_ceil(columns.max(1)).max(1)
    }
}

/// Width in columns of a monospace font. Characters beyond Latin may be slightly more than twice as wide.
fn width(text: &str) -> (u64, bool) {
    let tenths = |c: char| match c {
        '\t' => 80,
        '\0'..'\u{300}' => 10,
        _ => 22,
    };
    let width: u64 = text.chars().map(tenths).sum();
    (width.div_ceil(10), text.chars().all(|c| c < '\u{300}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn row_positions_accumulate_over_lines() {
        let mut heights = LineHeights::default();
        [1, 3, 2].into_iter().for_each(|rows| heights.push(rows));
        assert_eq!((0..5).map(|place| heights.above(place)).collect::<Vec<_>>(), [0, 1, 4, 6, 6]);
        assert_eq!((0..7).map(|row| heights.place_at(row)).collect::<Vec<_>>(), [0, 1, 1, 1, 2, 2, 3]);
        assert_eq!((heights.pop(), heights.rows(), heights.above(1), heights.place_at(3)), (1, 5, 3, 1));
        assert_eq!((heights.pop(), heights.pop(), heights.pop(), heights.rows()), (3, 2, 0, 0));
        heights.push(2);
        assert_eq!((heights.rows(), heights.place_at(1)), (2, 0));
    }

    #[test]
    fn row_count_depends_on_the_width_of_the_characters() {
        let line = |text: &str| LogLine {
            source: 1,
            at: Timestamp::default(),
            stream: LogStream::Stdout,
            text: text.into(),
            cut: 0,
            note: None,
        };
        let fold = Fold { columns: Some(10), time: 3, names: vec![0, 2] };
        let rows = |text: &str| fold.rows(&line(text));
        assert_eq!((rows(""), rows("12345"), rows("123456"), rows(&"x".repeat(25))), (1, 1, 2, 3));
        assert_eq!(rows("\u{1b}[31m12345\u{1b}[0m"), 1, "colours take no room");
        assert_eq!(rows("漢字漢字"), 2);
        assert_eq!(Fold::default().rows(&line(&"x".repeat(900))), 1);
    }
}
