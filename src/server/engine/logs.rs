//! What a container writes, as its log has kept it.
//!
//! Read by hand: bollard takes a terminal's first byte for a frame's header, and waits for the end of a line that may never
//! come.

use super::{Call, Engine, EngineError, READ_PATIENCE, read::or_default};
use crate::model::{ContainerId, LONGEST_LINE, LogLine, LogStream, Timestamp};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use std::collections::VecDeque;

/// An engine writes a line in frames of 16 KiB; what says to be longer than this is no frame.
const LONGEST_FRAME: usize = 4 << 20;

/// A terminal's line without an end is handed on in parts of this many bytes.
const LONGEST_PART: usize = 64 * 1024;

/// Which part of a log.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogRange {
    /// And what is written from now on.
    pub follow: bool,
    /// The last so many lines; all without.
    pub tail: Option<u32>,
    /// Nanoseconds since 1970, inclusive.
    pub since: Option<i64>,
    pub until: Option<i64>,
}

/// A line, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The engine's clock when it took it, in nanoseconds since 1970; 0 where it does not say.
    pub nanos: i64,
    pub stream: LogStream,
    /// As it was written, without its end.
    pub bytes: Vec<u8>,
    pub begins: bool,
    pub ends: bool,
}

/// Ends with the container's run, or with what there is.
pub struct Log {
    body: Incoming,
    split: Split,
}

/// Bytes of the engine to parts of lines.
struct Split {
    is_terminal: bool,
    buffer: Vec<u8>,
    /// Whether stdout, and stderr, are in the middle of a line.
    open: [bool; 2],
    parts: VecDeque<Part>,
}

impl Engine {
    pub async fn log(&self, id: &ContainerId, range: LogRange) -> Result<Log, EngineError> {
        let Some(kept) = self.find::<Kept>(Call::ContainerInspect, &format!("/containers/{id}/json")).await? else {
            return Err(EngineError::Refused { status: 404, message: format!("No such container: {id}") });
        };
        let tail = range.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let moment = |nanos: i64| format!("{}.{:09}", nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS));
        let since = range.since.map(|it| format!("&since={}", moment(it))).unwrap_or_default();
        let until = range.until.map(|it| format!("&until={}", moment(it))).unwrap_or_default();
        let path = format!(
            "/containers/{id}/logs?stdout=1&stderr=1&timestamps=1&follow={}&tail={tail}{since}{until}",
            u8::from(range.follow)
        );
        let body = self.reader.body(Call::ContainerLogs, &path, READ_PATIENCE).await?;
        Ok(Log { body, split: Split::new(kept.config.tty) })
    }

    /// Gives each line written after `since` to `each`, until the container ends.
    pub async fn follow_log(
        &self,
        id: &ContainerId,
        since: Timestamp,
        mut each: impl FnMut(&str) + Send,
    ) -> Result<(), EngineError> {
        // In whole seconds: a process may write before the engine has noted that it started.
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
struct Kept {
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
    /// The next part, or none at the end. Cancel safe.
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
                return Err(EngineError::Malformed("a log that is not in frames".into()));
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

    /// What a terminal wrote last may have no end.
    fn end(&mut self) {
        let rest = std::mem::take(&mut self.buffer);
        if self.is_terminal && !rest.is_empty() {
            self.part(LogStream::Stdout, &rest);
        }
    }

    /// Each frame of a line begins with the time, those in its middle too; a terminal's line has it once.
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

/// A time and a space before the text; 0 where there is none.
fn timed(text: &[u8]) -> (i64, &[u8]) {
    let end = text.iter().take(40).position(|byte| *byte == b' ');
    let time = end.and_then(|end| nanos(std::str::from_utf8(&text[..end]).ok()?).zip(Some(end)));
    time.map_or((0, text), |(nanos, end)| (nanos, &text[end + 1..]))
}

/// RFC 3339 with up to nine decimals.
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

/// Parts to whole lines: of a long one its beginning.
#[derive(Default)]
pub struct Lines {
    /// Of stdout and of stderr.
    open: [Option<(LogLine, i64, Vec<u8>)>; 2],
}

impl Lines {
    /// The line that ends with `part`, and when it began in nanoseconds.
    pub fn take(&mut self, part: Part) -> Option<(LogLine, i64)> {
        let slot = &mut self.open[usize::from(part.stream == LogStream::Stderr)];
        let at = Timestamp::from_micros(part.nanos.div_euclid(1_000));
        let empty = LogLine { source: 0, at, stream: part.stream, text: String::new(), cut: 0 };
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

    /// What is still open when nothing more comes.
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
    fn frames_are_lines_with_their_stream_and_time_however_they_are_cut() {
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
    fn a_terminal_has_no_frames_and_may_stop_in_the_middle() {
        let text = format!("{AT} \u{1}\u{2}binary\r\n{AT} login: ");
        let found = lines(true, text.as_bytes(), 3);
        assert_eq!(found[0], ("\u{1}\u{2}binary".to_owned(), NANOS_AT, LogStream::Stdout, 0));
        assert_eq!(found[1].0, "login: ");
    }

    #[test]
    fn of_ten_megabytes_without_an_end_the_beginning_stays() {
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
    fn what_is_not_in_frames_is_refused() {
        assert!(Split::new(false).take(b"hello, this is no frame").is_err());
        assert_eq!(nanos("2026-11-21T05:06:36.1Z"), Some(1_795_237_596_100_000_000));
        assert_eq!(nanos("2026-11-21T05:06:36.1234567Z"), Some(1_795_237_596_123_456_700));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), is_terminal: bool) {
            let mut split = Split::new(is_terminal);
            let _ = split.take(&bytes);
            split.end();
        }
    }
}
