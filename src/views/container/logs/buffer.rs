//! Bounded buffer of log lines: the latest ones, and earlier ones loaded on scrolling back.

use super::line_heights::{Fold, LineHeights};
use crate::model::{LogLine, LogStream, Timestamp, ansi};
use std::{collections::VecDeque, ops::Range, sync::Arc};

/// Limits of the buffer: lines, and bytes of text.
pub(super) const MOST_LINES: usize = 20_000;
const MOST_BYTES: usize = 16 << 20;

#[derive(Default)]
pub(super) struct Buffer {
    lines: VecDeque<Arc<LogLine>>,
    bytes: usize,
    /// The number of the first line. Each line keeps its number; lines prepended later have lower ones.
    first: i64,
    /// Count of lines evicted so far.
    dropped: u64,
    words: String,
    /// Numbers of the lines that match `words`. Unused while there are no words.
    found: VecDeque<i64>,
    fold: Fold,
    /// Row layout of the shown lines.
    heights: LineHeights,
}

impl Buffer {
    /// Appends a line. Returns how many rows were evicted at the top to make room.
    pub(super) fn push(&mut self, line: LogLine) -> u64 {
        let number = self.first + self.lines.len() as i64;
        if !self.words.is_empty() && has(&line, &self.words) {
            self.found.push_back(number);
        }
        if self.words.is_empty() || self.found.back() == Some(&number) {
            self.heights.push(self.fold.rows(&line));
        }
        self.bytes += line.text.len();
        self.lines.push_back(Arc::new(line));
        let mut gone = 0;
        while self.lines.len() > MOST_LINES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text.len();
            let was_shown = self.words.is_empty() || self.found.front() == Some(&self.first);
            if was_shown {
                self.found.pop_front();
                gone += self.heights.pop();
            }
            self.first += 1;
            self.dropped += 1;
        }
        gone
    }

    /// Prepends earlier lines, given in order. If not all fit, only the last ones are kept. Returns the number of rows added.
    pub(super) fn put_before(&mut self, earlier: Vec<LogLine>) -> u64 {
        let before = self.heights.rows();
        for line in earlier.into_iter().rev() {
            if self.is_full() {
                break;
            }
            self.bytes += line.text.len();
            self.first -= 1;
            self.lines.push_front(Arc::new(line));
        }
        self.arrange();
        self.heights.rows() - before
    }

    /// The cursor of each log: the time of its first buffered line, and how many of its lines have that microsecond.
    /// For a log without lines, the time of the oldest line of all, with 0. `None` while there are no lines.
    pub(super) fn beginnings(&self, sources: usize) -> Option<Vec<(Timestamp, usize)>> {
        let mut beginnings: Vec<Option<(Timestamp, usize)>> = vec![None; sources];
        let written = self.lines.iter().filter(|it| it.stream != LogStream::Note);
        let oldest = written.clone().next()?.at;
        for line in written {
            match beginnings.get_mut(usize::from(line.source)) {
                Some(Some((at, count))) if *at == line.at => *count += 1,
                Some(beginning @ None) => *beginning = Some((line.at, 1)),
                _ => {}
            }
        }
        Some(beginnings.into_iter().map(|it| it.unwrap_or((oldest, 0))).collect())
    }

    /// Empties the buffer but keeps the wrap settings.
    pub(super) fn clear(&mut self) {
        *self = Self { fold: std::mem::take(&mut self.fold), ..Self::default() };
    }

    /// Number of buffered lines, shown or not.
    pub(super) fn held(&self) -> usize {
        self.lines.len()
    }

    /// Whether the limits are reached: no more lines can be prepended.
    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= MOST_LINES || self.bytes >= MOST_BYTES
    }

    /// Shows only lines that contain these words, ignoring case. An empty string shows all.
    pub(super) fn look_for(&mut self, words: &str) {
        self.words = words.to_lowercase();
        self.arrange();
    }

    pub(super) fn fold(&mut self, fold: Fold) {
        if self.fold != fold {
            self.fold = fold;
            self.arrange();
        }
    }

    fn arrange(&mut self) {
        let numbered = (self.first..).zip(&self.lines);
        self.found = numbered.filter(|(_, line)| has(line, &self.words)).map(|(number, _)| number).collect();
        let mut heights = LineHeights::default();
        for place in 0..self.len() {
            let line = self.number_at(place).and_then(|number| self.line(number));
            heights.push(line.map_or(1, |line| self.fold.rows(&line)));
        }
        self.heights = heights;
    }

    /// Number of shown lines.
    pub(super) fn len(&self) -> usize {
        if self.words.is_empty() { self.lines.len() } else { self.found.len() }
    }

    pub(super) fn heights(&self) -> &LineHeights {
        &self.heights
    }

    /// Number of lines evicted so far.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The shown lines at these places, with their numbers and heights in rows.
    pub(super) fn between(&self, places: Range<usize>) -> Vec<(i64, Arc<LogLine>, u64)> {
        let places = places.start.min(self.len())..places.end.min(self.len());
        places
            .filter_map(|place| {
                let number = self.number_at(place)?;
                Some((number, self.line(number)?, self.heights.above(place + 1) - self.heights.above(place)))
            })
            .collect()
    }

    pub(super) fn line(&self, number: i64) -> Option<Arc<LogLine>> {
        self.lines.get(usize::try_from(number - self.first).ok()?).cloned()
    }

    /// The number of the line shown at `place`.
    pub(super) fn number_at(&self, place: usize) -> Option<i64> {
        if !self.words.is_empty() {
            return self.found.get(place).copied();
        }
        (place < self.lines.len()).then_some(self.first + place as i64)
    }

    /// The place where the line is shown, if it is.
    pub(super) fn place_of(&self, number: i64) -> Option<usize> {
        if !self.words.is_empty() {
            return self.found.binary_search(&number).ok();
        }
        usize::try_from(number - self.first).ok().filter(|place| *place < self.lines.len())
    }

    /// The number of the buffered line that equals `line`.
    pub(super) fn find(&self, line: &LogLine) -> Option<i64> {
        (self.first..).zip(&self.lines).find(|(_, it)| ***it == *line).map(|(number, _)| number)
    }
}

/// `words` must be in lower case.
fn has(line: &LogLine, words: &str) -> bool {
    if words.is_empty() {
        return false;
    }
    let text = if line.text.contains('\u{1b}') { ansi::plain(&line.text) } else { line.text.clone() };
    text.to_lowercase().contains(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: String) -> LogLine {
        LogLine { source: 0, at: Timestamp::default(), stream: LogStream::Stdout, text, cut: 0, note: None }
    }

    fn at(source: u16, micros: i64, text: &str) -> LogLine {
        LogLine { source, at: Timestamp::from_micros(micros), ..line(text.to_owned()) }
    }

    fn texts(buffer: &Buffer, places: Range<usize>) -> Vec<String> {
        buffer.between(places).iter().map(|(number, line, _)| format!("{number}:{}", line.text)).collect()
    }

    #[test]
    fn full_buffer_keeps_the_latest_lines_and_their_numbers() {
        let mut buffer = Buffer::default();
        let gone: u64 = (0..MOST_LINES + 5).map(|number| buffer.push(line(format!("line {number}")))).sum();
        assert_eq!((buffer.len(), buffer.dropped(), gone), (MOST_LINES, 5, 5));
        assert_eq!(texts(&buffer, 0..2), ["5:line 5", "6:line 6"]);
        assert_eq!(texts(&buffer, MOST_LINES - 1..MOST_LINES + 9), ["20004:line 20004"]);
        assert!(buffer.line(4).is_none());
        (0..40).for_each(|_| {
            buffer.push(line("x".repeat(1 << 20)));
        });
        assert_eq!(buffer.len(), 16, "sixteen megabytes");
    }

    #[test]
    fn search_finds_existing_and_new_lines() {
        let mut buffer = Buffer::default();
        ["GET /a", "get \u{1b}[31m/b", "POST /a"].into_iter().for_each(|text| {
            buffer.push(line(text.into()));
        });
        buffer.look_for("get /");
        assert_eq!(texts(&buffer, 0..9), ["0:GET /a", "1:get \u{1b}[31m/b"]);
        buffer.push(line("Get /c".into()));
        assert_eq!(texts(&buffer, 2..9), ["3:Get /c"]);
        assert_eq!((buffer.place_of(3), buffer.place_of(2)), (Some(2), None));
        let gone: u64 = (0..MOST_LINES).map(|_| buffer.push(line("other".into()))).sum();
        assert_eq!((buffer.len(), gone, buffer.heights().rows()), (0, 3, 0));
        buffer.look_for("");
        assert_eq!((buffer.len(), buffer.heights().rows()), (MOST_LINES, MOST_LINES as u64));
    }

    #[test]
    fn earlier_lines_are_prepended_and_the_latest_are_kept() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.beginnings(1), None);
        for line in [at(0, 7, "c"), at(1, 6, "C"), at(0, 7, "d"), at(0, 9, "e")] {
            buffer.push(line);
        }
        let moment = Timestamp::from_micros;
        assert_eq!(buffer.beginnings(3), Some(vec![(moment(7), 2), (moment(6), 1), (moment(7), 0)]));
        assert_eq!(buffer.put_before(vec![at(0, 5, "a"), at(0, 7, "b")]), 2);
        assert_eq!(texts(&buffer, 0..9), ["-2:a", "-1:b", "0:c", "1:C", "2:d", "3:e"]);
        assert_eq!(buffer.find(&at(1, 6, "C")), Some(1));
        let many = (0..MOST_LINES as i64).map(|micros| at(0, micros - 100_000, "old")).collect();
        assert_eq!(buffer.put_before(many), MOST_LINES as u64 - 6);
        assert!(buffer.is_full());
        assert_eq!(texts(&buffer, MOST_LINES - 1..MOST_LINES), ["3:e"]);
    }

    #[test]
    fn wrapped_lines_take_several_rows() {
        let mut buffer = Buffer::default();
        ["short", "a longer one", "x"].into_iter().for_each(|text| {
            buffer.push(line(text.into()));
        });
        buffer.fold(Fold { columns: Some(5), ..Fold::default() });
        buffer.push(line("another one".into()));
        assert_eq!(buffer.between(0..9).iter().map(|(.., rows)| *rows).collect::<Vec<_>>(), [1, 3, 1, 3]);
        buffer.look_for("one");
        assert_eq!((buffer.heights().rows(), buffer.heights().place_at(3)), (6, 1));
    }
}
