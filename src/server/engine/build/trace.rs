//! BuildKit progress: `moby.buildkit.trace` messages, formatted like `docker build --progress=plain`.
//!
//! prost decodes the protobuf. The few fields needed are declared here: `bollard-buildkit-proto` would add all of BuildKit's
//! services, and tonic with them.

use super::super::{LayerStep, StepState, Word};
use prost::Message;
use std::collections::HashMap;

/// `moby.buildkit.v1.StatusResponse`.
#[derive(Clone, PartialEq, Message)]
struct StatusResponse {
    #[prost(message, repeated, tag = "1")]
    vertexes: Vec<Vertex>,
    #[prost(message, repeated, tag = "2")]
    statuses: Vec<VertexStatus>,
    #[prost(message, repeated, tag = "3")]
    logs: Vec<VertexLog>,
    #[prost(message, repeated, tag = "4")]
    warnings: Vec<VertexWarning>,
}

/// A build step. BuildKit sends it again whenever it changes.
#[derive(Clone, PartialEq, Message)]
struct Vertex {
    #[prost(string, tag = "1")]
    digest: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(bool, tag = "4")]
    cached: bool,
    #[prost(message, optional, tag = "5")]
    started: Option<Timestamp>,
    #[prost(message, optional, tag = "6")]
    completed: Option<Timestamp>,
    #[prost(string, tag = "7")]
    error: String,
}

/// A part of a step: a layer in transfer.
#[derive(Clone, PartialEq, Message)]
struct VertexStatus {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(int64, tag = "4")]
    current: i64,
    #[prost(int64, tag = "5")]
    total: i64,
    #[prost(message, optional, tag = "8")]
    completed: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct VertexLog {
    #[prost(string, tag = "1")]
    vertex: String,
    #[prost(bytes = "vec", tag = "4")]
    message: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct VertexWarning {
    #[prost(bytes = "vec", tag = "3")]
    short: Vec<u8>,
    #[prost(message, repeated, tag = "7")]
    ranges: Vec<Range>,
}

#[derive(Clone, PartialEq, Message)]
struct Range {
    #[prost(message, optional, tag = "1")]
    start: Option<Position>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Position {
    #[prost(int32, tag = "1")]
    line: i32,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Maximum number of steps of a build. More appear only in its output.
const MOST_STEPS: usize = 2_000;

/// Maximum size of an incomplete output line, in bytes.
const LONGEST_REST: usize = 8 << 10;

/// The steps of one build so far.
#[derive(Default)]
pub(in super::super) struct Trace {
    steps: HashMap<String, Step>,
}

#[derive(Default)]
struct Step {
    /// Number of the step in the output. 0 until it starts.
    number: usize,
    state: Option<StepState>,
    /// An incomplete line of its output. The output of steps that run in parallel is interleaved.
    rest: Vec<u8>,
}

impl Trace {
    /// Converts one message. One that can't be decoded gives no words.
    pub(in super::super) fn read(&mut self, message: &[u8]) -> Vec<Word> {
        let mut words = Vec::new();
        let Ok(status) = StatusResponse::decode(message) else { return words };
        // The logs of a step that ends in this message belong before its end.
        let (over, others): (Vec<_>, Vec<_>) = status.vertexes.into_iter().partition(|it| it.completed.is_some());
        others.into_iter().for_each(|vertex| self.vertex(vertex, &mut words));
        status.logs.into_iter().for_each(|log| self.log(&log, &mut words));
        over.into_iter().for_each(|vertex| self.vertex(vertex, &mut words));
        words.extend(status.statuses.into_iter().filter_map(VertexStatus::into_word));
        words.extend(status.warnings.into_iter().map(VertexWarning::into_word));
        words
    }

    fn vertex(&mut self, vertex: Vertex, words: &mut Vec<Word>) {
        if self.steps.len() >= MOST_STEPS && !self.steps.contains_key(&vertex.digest) {
            return;
        }
        let begun = self.steps.values().filter(|step| step.number > 0).count();
        let step = self.steps.entry(vertex.digest).or_default();
        let state = match (vertex.started, vertex.completed) {
            _ if !vertex.error.is_empty() => StepState::Failed,
            (None, None) if vertex.cached => StepState::Cached,
            (None, _) => StepState::Waiting,
            (_, None) => StepState::Running,
            _ if vertex.cached => StepState::Cached,
            _ => StepState::Done,
        };
        // After a cache lookup BuildKit reports the same step as started and completed again.
        let is_again = step.state.is_some_and(StepState::is_over) && state == StepState::Running;
        if step.state == Some(state) || is_again {
            return;
        }
        let was_over = step.state.is_some_and(StepState::is_over);
        step.state = Some(state);
        words.push(Word::Step { name: vertex.name.clone(), state });
        if state == StepState::Waiting {
            return;
        }
        if step.number == 0 {
            step.number = begun + 1;
            words.push(Word::Output(format!("#{} {}\n", step.number, vertex.name)));
        }
        let number = step.number;
        if state.is_over() && !step.rest.is_empty() {
            let rest = std::mem::take(&mut step.rest);
            words.push(line(number, &rest));
        }
        let end = match state {
            StepState::Failed => format!("#{number} ERROR: {}\n", vertex.error),
            _ if was_over => return,
            StepState::Cached => format!("#{number} CACHED\n"),
            StepState::Done => match seconds_between(vertex.started, vertex.completed) {
                Some(seconds) => format!("#{number} DONE {seconds:.1}s\n"),
                None => format!("#{number} DONE\n"),
            },
            StepState::Waiting | StepState::Running => return,
        };
        words.push(Word::Output(end));
    }

    fn log(&mut self, log: &VertexLog, words: &mut Vec<Word>) {
        let Some(step) = self.steps.get_mut(&log.vertex) else {
            words.push(Word::Output(String::from_utf8_lossy(&log.message).into_owned()));
            return;
        };
        step.rest.extend_from_slice(&log.message);
        while let Some(end) = step.rest.iter().position(|byte| *byte == b'\n') {
            let whole: Vec<u8> = step.rest.drain(..=end).collect();
            words.push(line(step.number, &whole[..end]));
        }
        if step.rest.len() > LONGEST_REST {
            let rest = std::mem::take(&mut step.rest);
            words.push(line(step.number, &rest));
        }
    }
}

fn line(number: usize, text: &[u8]) -> Word {
    // A carriage return overwrites the line, except for the step's number.
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
    Word::Output(format!("#{number} {text}\n"))
}

fn seconds_between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<f64> {
    let seconds = |at: Timestamp| at.seconds as f64 + f64::from(at.nanos) / 1e9;
    Some((seconds(to?) - seconds(from?)).max(0.0))
}

impl VertexStatus {
    /// None for a part without a size.
    fn into_word(self) -> Option<Word> {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let (done, total) = (count(self.current), count(self.total));
        let digest = self.id.strip_prefix("sha256:").unwrap_or(&self.id);
        let id: String = digest.chars().take(12).collect();
        let step = if self.completed.is_some() { "Download complete" } else { "Downloading" };
        (total > 0).then(|| Word::Part { id, step: LayerStep::parse(step), done, total })
    }
}

impl VertexWarning {
    fn into_word(self) -> Word {
        let short = String::from_utf8_lossy(&self.short).into_owned();
        let line = self.ranges.iter().find_map(|range| range.start).map(|start| start.line);
        Word::Output(
            line.map_or_else(|| format!("WARNING: {short}\n"), |line| format!("WARNING: {short} (line {line})\n")),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp { seconds: 100, nanos: 0 };
    const LATER: Timestamp = Timestamp { seconds: 101, nanos: 500_000_000 };

    fn vertex(digest: &str, started: Option<Timestamp>, completed: Option<Timestamp>) -> Vertex {
        Vertex { digest: digest.into(), name: format!("step {digest}"), started, completed, ..Vertex::default() }
    }

    fn log(digest: &str, text: &str) -> VertexLog {
        VertexLog { vertex: digest.into(), message: text.into() }
    }

    fn output(words: Vec<Word>) -> String {
        words.into_iter().filter_map(|word| if let Word::Output(text) = word { Some(text) } else { None }).collect()
    }

    fn read(trace: &mut Trace, vertexes: Vec<Vertex>, logs: Vec<VertexLog>) -> Vec<Word> {
        trace.read(&StatusResponse { vertexes, logs, ..StatusResponse::default() }.encode_to_vec())
    }

    #[test]
    fn parallel_steps_keep_their_output_lines_separate() {
        let mut trace = Trace::default();
        let mut said = String::new();
        for (vertexes, logs) in [
            (vec![vertex("a", None, None), vertex("b", None, None)], vec![]),
            (vec![vertex("a", Some(AT), None), vertex("b", Some(AT), None)], vec![log("a", "one\ntw")]),
            (vec![], vec![log("b", "other\n"), log("a", "o\n10%\r20%\n"), log("b", "no end")]),
            (vec![vertex("a", Some(AT), Some(LATER)), vertex("b", Some(AT), Some(LATER))], vec![log("a", "last\n")]),
            // Again, as after a cache lookup.
            (vec![vertex("a", Some(LATER), None)], vec![]),
            (vec![vertex("a", Some(LATER), Some(LATER))], vec![]),
        ] {
            said += &output(read(&mut trace, vertexes, logs));
        }
        assert_eq!(
            said,
            "#1 step a\n#2 step b\n#1 one\n#2 other\n#1 two\n#1 20%\n#1 last\n#1 DONE 1.5s\n#2 no end\n#2 DONE 1.5s\n"
        );
    }

    #[test]
    fn cached_and_failed_steps_are_reported() {
        let mut trace = Trace::default();
        let cached = Vertex { cached: true, ..vertex("a", Some(AT), Some(AT)) };
        let failed = Vertex { error: "exit code: 7".into(), ..vertex("b", Some(AT), Some(LATER)) };
        let words = read(&mut trace, vec![cached, failed], vec![]);
        let states: Vec<_> =
            words.iter().filter_map(|it| if let Word::Step { state, .. } = it { Some(*state) } else { None }).collect();
        assert_eq!(states, [StepState::Cached, StepState::Failed]);
        assert_eq!(output(words), "#1 step a\n#1 CACHED\n#2 step b\n#2 ERROR: exit code: 7\n");
    }

    /// The message is from Docker 28.5.2.
    #[test]
    fn docker_trace_message_is_decoded() {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let text = "CosBCkdzaGEyNTY6NzllZGQ4NTFlYTI1MWQ4NWQxNGIyNTJhZDI0MjJlNzBiMThkMjBjZDZiZmE1Y2I5YWJiY2YzYTAwYzllOWI3YRokW2ludGVybmFsXSBsb2FkIHJlbW90ZSBidWlsZCBjb250ZXh0KgwIpvS32AYQr7++sgMyDAim9LfYBhCkn/jFAw==";
        let words = Trace::default().read(&BASE64_STANDARD.decode(text).unwrap());
        let name = "[internal] load remote build context".to_owned();
        assert_eq!(
            words,
            [
                Word::Step { name: name.clone(), state: StepState::Done },
                Word::Output(format!("#1 {name}\n")),
                Word::Output("#1 DONE 0.0s\n".into()),
            ]
        );
        assert_eq!(Trace::default().read(b"no protobuf"), []);
    }

    #[test]
    fn warning_includes_its_line_number() {
        let warning =
            VertexWarning { short: b"Legacy".to_vec(), ranges: vec![Range { start: Some(Position { line: 3 }) }] };
        let response = StatusResponse { warnings: vec![warning], ..StatusResponse::default() };
        assert_eq!(output(Trace::default().read(&response.encode_to_vec())), "WARNING: Legacy (line 3)\n");
    }
}
