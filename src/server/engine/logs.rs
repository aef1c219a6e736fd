//! Container logs.
//!
//! They are parsed here, not by bollard: it takes a terminal's first byte for a frame header, and waits for a line end that may
//! never arrive.

use super::{Call, Engine, EngineError, READ_TIMEOUT, read::or_default};
use crate::{
    message,
    model::{ContainerId, LONGEST_LINE, LogLine, LogStream, Timestamp},
};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use std::collections::VecDeque;

/// Maximum length of a frame, in bytes. An engine splits lines into frames of 16 KiB, so a longer length is not a frame's.
const LONGEST_FRAME: usize = 4 << 20;

/// A terminal's line without an end is emitted in parts when it exceeds this many bytes.
const LONGEST_PART: usize = 64 * 1024;

/// The requested part of a log.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogRange {
    /// Also stream new lines.
    pub follow: bool,
    /// Number of last lines. None for all.
    pub tail: Option<u32>,
    /// Nanoseconds since 1970, inclusive.
    pub since: Option<i64>,
    pub until: Option<i64>,
}

/// A line, or part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The engine's clock when it received the part, in nanoseconds since 1970. 0 if it is missing.
    pub nanos: i64,
    pub stream: LogStream,
    /// As written, without the line end.
    pub bytes: Vec<u8>,
    pub begins: bool,
    pub ends: bool,
}

/// Stream of a log. It ends when the container stops, or with the last stored line.
pub struct Log {
    body: Incoming,
    split: Split,
}

/// Splits the engine's bytes into parts of lines.
struct Split {
    is_terminal: bool,
    buffer: Vec<u8>,
    /// Whether stdout and stderr are in the middle of a line.
    open: [bool; 2],
    parts: VecDeque<Part>,
}

impl Engine {
    pub async fn log(&self, id: &ContainerId, range: LogRange) -> Result<Log, EngineError> {
        let Some(kept) = self.find::<Inspected>(Call::ContainerInspect, &format!("/containers/{id}/json")).await?
        else {
            return Err(EngineError::refused(404, message!("No such container: {id}", id)));
        };
        let tail = range.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let moment = |nanos: i64| format!("{}.{:09}", nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS));
        let since = range.since.map(|it| format!("&since={}", moment(it))).unwrap_or_default();
        let until = range.until.map(|it| format!("&until={}", moment(it))).unwrap_or_default();
        let path = format!(
            "/containers/{id}/logs?stdout=1&stderr=1&timestamps=1&follow={}&tail={tail}{since}{until}",
            u8::from(range.follow)
        );
        let body = match self.reader.body(Call::ContainerLogs, &path, READ_TIMEOUT).await {
            Ok(body) => body,
            Err(error) => return Err(self.explain_of(Call::ContainerLogs, id, error).await),
        };
        Ok(Log { body, split: Split::new(kept.config.tty) })
    }

    /// Passes each line written after `since` to `each`, until the container stops.
    pub async fn follow_log(
        &self,
        id: &ContainerId,
        since: Timestamp,
        mut each: impl FnMut(&str) + Send,
    ) -> Result<(), EngineError> {
        // Round down to whole seconds: a process may write before the engine records its start.
        let since = Some(since.seconds().saturating_mul(NANOS));
        let mut log = self.log(id, LogRange { follow: true, since, ..LogRange::default() }).await?;
        let mut lines = Lines::default();
        while let Some(part) = log.next().await? {
            if let Some((line, _)) = lines.take(part) {
                each(&line.text);
            }
        }
        Ok(())
    }
}

const NANOS: i64 = 1_000_000_000;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Inspected {
    #[serde(deserialize_with = "or_default")]
    config: Config,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    #[serde(deserialize_with = "or_default")]
    tty: bool,
}

impl Log {
    /// Returns the next part, or none at the end. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Part>, EngineError> {
        loop {
            if let Some(part) = self.split.parts.pop_front() {
                return Ok(Some(part));
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.split.take(&data)?;
                    }
                }
                None => {
                    self.split.end();
                    return Ok(self.split.parts.pop_front());
                }
            }
        }
    }
}

impl Split {
    fn new(is_terminal: bool) -> Self {
        Self { is_terminal, buffer: Vec::new(), open: [false; 2], parts: VecDeque::new() }
    }

    fn take(&mut self, data: &[u8]) -> Result<(), EngineError> {
        self.buffer.extend_from_slice(data);
        if self.is_terminal {
            self.terminal();
            return Ok(());
        }
        let mut at = 0;
        while let Some(head) = self.buffer.get(at..at + 8) {
            let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
            if head[0] > 2 || head[1..4] != [0, 0, 0] || length > LONGEST_FRAME {
                return Err(EngineError::Malformed("malformed log stream".into()));
            }
            let stream = if head[0] == 2 { LogStream::Stderr } else { LogStream::Stdout };
            let Some(frame) = self.buffer.get(at + 8..at + 8 + length).map(<[u8]>::to_vec) else { break };
            for text in frame.split_inclusive(|byte| *byte == b'\n') {
                self.part(stream, text);
            }
            at += 8 + length;
        }
        self.buffer.drain(..at);
        Ok(())
    }

    fn terminal(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        let mut rest = buffer.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.part(LogStream::Stdout, &rest[..=end]);
            rest = &rest[end + 1..];
        }
        if rest.len() > LONGEST_PART {
            self.part(LogStream::Stdout, rest);
            rest = &[];
        }
        self.buffer = rest.to_vec();
    }

    /// Emits the terminal's last line, which may have no end.
    fn end(&mut self) {
        let rest = std::mem::take(&mut self.buffer);
        if self.is_terminal && !rest.is_empty() {
            self.part(LogStream::Stdout, &rest);
        }
    }

    /// Adds a part. Each frame starts with a timestamp, even in the middle of a line. A terminal's line has only one.
    fn part(&mut self, stream: LogStream, text: &[u8]) {
        let is_open = &mut self.open[usize::from(stream == LogStream::Stderr)];
        let begins = !*is_open;
        let (nanos, text) = if begins || !self.is_terminal { timed(text) } else { (0, text) };
        let ends = text.last() == Some(&b'\n');
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = if self.is_terminal { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
        *is_open = !ends;
        self.parts.push_back(Part { nanos, stream, bytes: text.to_vec(), begins, ends });
    }
}

/// Splits the timestamp and the space off the text. 0 if there is no timestamp.
fn timed(text: &[u8]) -> (i64, &[u8]) {
    let end = text.iter().take(40).position(|byte| *byte == b' ');
    let time = end.and_then(|end| nanos(std::str::from_utf8(&text[..end]).ok()?).zip(Some(end)));
    time.map_or((0, text), |(nanos, end)| (nanos, &text[end + 1..]))
}

/// Parses RFC 3339 with up to nine decimals into nanoseconds since 1970.
fn nanos(text: &str) -> Option<i64> {
    let micros = Timestamp::parse(text)?.micros();
    let decimals = text.get(19..)?.strip_prefix('.').unwrap_or_default();
    let beyond: i64 = decimals
        .bytes()
        .skip(6)
        .take(3)
        .take_while(u8::is_ascii_digit)
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let digits = decimals.bytes().skip(6).take(3).take_while(u8::is_ascii_digit).count();
    micros.checked_mul(1_000)?.checked_add(beyond * 10_i64.pow(3 - u32::try_from(digits).ok()?))
}

/// Assembles parts into whole lines. Long lines are truncated.
#[derive(Default)]
pub struct Lines {
    /// Incomplete lines of stdout and stderr.
    open: [Option<(LogLine, i64, Vec<u8>)>; 2],
}

impl Lines {
    /// Returns the line that ends with `part`, and the time of its start in nanoseconds since 1970.
    pub fn take(&mut self, part: Part) -> Option<(LogLine, i64)> {
        let slot = &mut self.open[usize::from(part.stream == LogStream::Stderr)];
        let at = Timestamp::from_micros(part.nanos.div_euclid(1_000));
        let empty = LogLine { source: 0, at, stream: part.stream, text: String::new(), cut: 0, note: None };
        let (mut line, nanos, mut bytes) =
            slot.take().filter(|_| !part.begins).unwrap_or((empty, part.nanos, Vec::new()));
        let kept = part.bytes.len().min(LONGEST_LINE.saturating_sub(bytes.len()));
        bytes.extend_from_slice(&part.bytes[..kept]);
        line.cut = line.cut.saturating_add(u32::try_from(part.bytes.len() - kept).unwrap_or(u32::MAX));
        if !part.ends {
            *slot = Some((line, nanos, bytes));
            return None;
        }
        line.text = String::from_utf8_lossy(&bytes).into_owned();
        Some((line, nanos))
    }

    /// Returns the incomplete lines at the end of the log.
    pub fn rest(&mut self) -> impl Iterator<Item = LogLine> {
        std::mem::take(&mut self.open).into_iter().flatten().map(|(mut line, _, bytes)| {
            line.text = String::from_utf8_lossy(&bytes).into_owned();
            line
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(stream: u8, text: &str) -> Vec<u8> {
        let mut frame = vec![stream, 0, 0, 0];
        frame.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        frame.extend(text.as_bytes());
        frame
    }

    fn lines(is_terminal: bool, bytes: &[u8], step: usize) -> Vec<(String, i64, LogStream, u32)> {
        let (mut split, mut lines, mut found) = (Split::new(is_terminal), Lines::default(), Vec::new());
        for data in bytes.chunks(step) {
            split.take(data).unwrap();
        }
        split.end();
        for part in split.parts {
            found.extend(lines.take(part).map(|(line, nanos)| (line.text, nanos, line.stream, line.cut)));
        }
        found.extend(lines.rest().map(|line| (line.text, 0, line.stream, line.cut)));
        found
    }

    const AT: &str = "2026-11-21T05:06:36.123456789Z";
    const NANOS_AT: i64 = 1_795_237_596_123_456_789;

    #[test]
    fn frames_become_lines_across_any_chunk_boundaries() {
        let bytes = [
            frame(1, &format!("{AT} hello\n")),
            frame(2, &format!("{AT} oh ")),
            frame(1, &format!("{AT} \n")),
            frame(2, &format!("{AT} no\n")),
        ];
        for step in [1, 7, 1_000] {
            let found = lines(false, &bytes.concat(), step);
            let out = |text: &str, stream| (text.to_owned(), NANOS_AT, stream, 0);
            assert_eq!(
                found,
                [out("hello", LogStream::Stdout), out("", LogStream::Stdout), out("oh no", LogStream::Stderr),]
            );
        }
    }

    #[test]
    fn tty_log_has_no_frames_and_may_end_without_a_newline() {
        let text = format!("{AT} \u{1}\u{2}binary\r\n{AT} login: ");
        let found = lines(true, text.as_bytes(), 3);
        assert_eq!(found[0], ("\u{1}\u{2}binary".to_owned(), NANOS_AT, LogStream::Stdout, 0));
        assert_eq!(found[1].0, "login: ");
    }

    #[test]
    fn overlong_line_is_truncated() {
        let part = "x".repeat(16 * 1024);
        let mut bytes = Vec::new();
        for _ in 0..640 {
            bytes.extend(frame(1, &format!("{AT} {part}")));
        }
        bytes.extend(frame(1, &format!("{AT} \n")));
        let [(text, _, _, cut)] = &lines(false, &bytes, 100_000)[..] else { panic!("one line") };
        assert_eq!((text.len(), *cut as usize), (LONGEST_LINE, 640 * 16 * 1024 - LONGEST_LINE));
    }

    #[test]
    fn unframed_bytes_are_rejected() {
        assert!(Split::new(false).take(b"hello, this is no frame").is_err());
        assert_eq!(nanos("2026-11-21T05:06:36.1Z"), Some(1_795_237_596_100_000_000));
        assert_eq!(nanos("2026-11-21T05:06:36.1234567Z"), Some(1_795_237_596_123_456_700));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), is_terminal: bool) {
            let mut split = Split::new(is_terminal);
            let _ = split.take(&bytes);
            split.end();
        }
    }
}
