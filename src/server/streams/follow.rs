//! Log follower for one container. It continues when the container restarts, and when Compose replaces the container.

use super::{log_page::DISORDER, log_queue::LogQueue};
use crate::{
    message,
    model::{Container, ContainerId, ContainerState, EngineState, HostId, LogLine, LogStream, Message, Timestamp},
    server::{
        app::App,
        engine::{EngineError, LogLines, LogRange},
        state::Reader,
    },
    wire::log::LogSource,
};
use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::mpsc, time::sleep};

/// Delay before reopening a log that ended while its container still runs.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Follower {
    pub(super) app: App,
    /// The state as the caller may see it.
    pub(super) reader: Reader,
    pub(super) number: u16,
    pub(super) source: LogSource,
    /// Where in the log to start.
    pub(super) range: LogRange,
    /// Filters out the lines that the engine repeats at that place.
    pub(super) seen: OverlapFilter,
    pub(super) queue: Arc<LogQueue>,
    /// Reports each container that replaces this one.
    pub(super) moved: mpsc::Sender<(u16, LogSource)>,
}

/// Filter for lines that the client already has: the last lines of a log. A request for the lines after them returns some of
/// them again, and some older ones: an engine accepts only a time as the start, and lines are slightly out of time order.
#[derive(Default)]
pub(super) struct OverlapFilter {
    lines: Counted,
    latest: i64,
    /// At least one of the lines was repeated: from then on, a line that isn't one of them is after them.
    has_begun: bool,
}

/// Number of occurrences of each line, by its time in nanoseconds and a hash of its stream and text.
type Counted = HashMap<(i64, u64), u32>;

/// Precision of the start time in a log request, in nanoseconds: Podman parses it as a float.
const PRECISION: i64 = 1_000;

/// The last lines of a log, from the first one within the latest [`PRECISION`] on: an engine that is asked for later lines may
/// return them again. If the engine has times in whole seconds only, these are all lines of one second.
#[derive(Default)]
struct Latest {
    at: i64,
    /// In the log's order. Docker since 25 compares times up to the first line that is late enough, and returns all lines after
    /// it, also earlier ones.
    lines: VecDeque<(i64, u64)>,
}

impl Latest {
    fn note(&mut self, nanos: i64, line: &LogLine) {
        // Earlier ones are left out, so that a clock that was put back doesn't fill the memory.
        if nanos <= 0 || nanos < self.at - DISORDER {
            return;
        }
        self.lines.push_back((nanos, print(line)));
        if nanos > self.at {
            self.at = nanos;
            while self.lines.front().is_some_and(|(at, _)| *at < self.since()) {
                self.lines.pop_front();
            }
        }
    }

    /// Start time of the request for the lines that follow, in nanoseconds.
    fn since(&self) -> i64 {
        self.at - PRECISION
    }

    /// Filter for the lines that the engine returns again when asked from [`Self::since`] on.
    fn repeated(self) -> OverlapFilter {
        let mut lines = Counted::new();
        for line in self.lines {
            *lines.entry(line).or_default() += 1;
        }
        OverlapFilter { lines, latest: self.at, has_begun: true }
    }
}

fn print(line: &LogLine) -> u64 {
    let mut hasher = DefaultHasher::new();
    (line.stream, &line.text).hash(&mut hasher);
    hasher.finish()
}

impl OverlapFilter {
    pub(super) fn of(lines: &VecDeque<(i64, LogLine)>) -> Self {
        let latest = lines.iter().map(|(at, _)| *at).max().unwrap_or_default();
        let mut seen = Self { latest, ..Self::default() };
        for (at, line) in lines.iter().filter(|(at, _)| *at >= latest - DISORDER) {
            *seen.lines.entry((*at, print(line))).or_default() += 1;
        }
        seen
    }

    /// Start time of the request for the lines that follow, in nanoseconds. None if the filter is empty.
    pub(super) fn since(&self) -> Option<i64> {
        (!self.lines.is_empty()).then_some(self.latest - DISORDER)
    }

    /// Whether the line is not new: the client has it, or it is older than the lines that the client has. Must be called in the
    /// log's order.
    fn has(&mut self, nanos: i64, line: &LogLine) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        // The engine no longer stores the lines that the client has.
        if nanos > self.latest + DISORDER {
            self.lines.clear();
            return false;
        }
        let more = self.lines.get_mut(&(nanos, print(line))).filter(|count| **count > 0);
        let is_one = more.map(|count| *count -= 1).is_some();
        self.has_begun |= is_one;
        is_one || !self.has_begun
    }
}

/// Identifies one run of a container: its id and start time.
type Run = (ContainerId, Option<Timestamp>);

/// What happened to the followed container after its log ended.
enum Next {
    /// It was restarted.
    Restarted,
    /// Another container replaced it.
    Replaced(LogSource),
    /// The same run continues.
    StillRuns,
}

impl Follower {
    /// Runs until dropped.
    pub(super) async fn run(mut self) {
        let mut range = self.range;
        let mut latest = Latest::default();
        let mut place = self.look(|it| it.and_then(|it| Place::of(it)));
        loop {
            let run = self.look(|it| it.map(run_of));
            let (reader, host) = (self.reader.clone(), self.source.host.clone());
            let read = reader.while_reachable(&host, self.read(range, &mut latest)).await;
            let read = read.unwrap_or_else(|| Err(EngineError::lost()));
            // A retry would get the same answer until there is another run.
            let is_refused = matches!(read, Err(EngineError::Refused { .. } | EngineError::Malformed(_)));
            if let Err(error) = read
                && !error.is_not_found()
            {
                self.note(error.message());
            }
            place = self.look(|it| it.and_then(|it| Place::of(it))).or(place);
            self.tell_of_the_end();
            match self.next(run.as_ref().filter(|_| !is_refused), run.as_ref(), place.as_ref()).await {
                // Usually the state doesn't have the end of the run yet: check again after a delay.
                Next::StillRuns => {
                    sleep(AGAIN).await;
                    if self.look(|it| it.is_some_and(|it| it.state.is_up()) && it.map(run_of) != run) {
                        self.started();
                    }
                }
                Next::Restarted => self.started(),
                Next::Replaced(other) => {
                    self.note(message!("{new} replaced {old}", new = other.name, old = self.source.name));
                    self.source = other.clone();
                    (range.since, latest) = (None, Latest::default());
                    // Sending fails only if the viewer is gone, and then it has dropped this follower.
                    let _ = self.moved.send((self.number, other)).await;
                }
            }
            // Continue from there, without repeated lines and without older lines that were not requested.
            let has_read = !latest.lines.is_empty();
            let since = if has_read { Some(latest.since()) } else { range.since };
            if has_read {
                self.seen = std::mem::take(&mut latest).repeated();
            }
            range = LogRange { follow: true, since, ..LogRange::default() };
        }
    }

    /// Reads until the stream ends.
    async fn read(&mut self, range: LogRange, latest: &mut Latest) -> Result<(), EngineError> {
        let Some(engine) = self.app.hosts.get(&self.source.host).cloned() else { return Ok(()) };
        let mut log = engine.log(&self.source.id, range).await?;
        let mut lines = LogLines::default();
        let (queue, source) = (&self.queue, self.number);
        let put = |line: LogLine| queue.put(LogLine { source, ..line });
        while let Some(part) = log.next().await? {
            if let Some((line, nanos)) = lines.take(part) {
                latest.note(nanos, &line);
                if !self.seen.has(nanos, &line) {
                    put(line);
                }
            }
        }
        lines.rest().for_each(put);
        Ok(())
    }

    fn started(&self) {
        self.note(message!("{name} started", name = self.source.name));
    }

    fn tell_of_the_end(&self) {
        let name = &self.source.name;
        let note = self.look(|it| match it {
            None => Some(message!("{name} no longer exists", name)),
            Some(it) if it.state == ContainerState::Exited => Some(match it.exit_code {
                Some(code) => message!("{name} exited with code {code}", name, code),
                None => message!("{name} exited", name),
            }),
            Some(it) if it.state == ContainerState::Created => Some(message!("{name} hasn't been started yet", name)),
            Some(_) => None,
        });
        if let Some(note) = note {
            self.note(note);
        }
    }

    /// Waits until there is more to read. If the run `again` is given and still up, there is.
    async fn next(&self, again: Option<&Run>, before: Option<&Run>, place: Option<&Place>) -> Next {
        let mut batches = self.reader.follow(None).batches;
        loop {
            let next = self.reader.look(|state| {
                let is_reachable = state.host(&self.source.host).is_some_and(|host| host.is_reachable());
                match state.container(&self.source.host, &self.source.id) {
                    Some(it) if is_reachable && it.state.is_up() && before == Some(&run_of(it)) => {
                        again.is_some().then_some(Next::StillRuns)
                    }
                    Some(it) if is_reachable && it.state.is_up() && it.started_at.is_some() => Some(Next::Restarted),
                    Some(_) => None,
                    None => place.and_then(|place| place.successor(state, &self.source)).map(Next::Replaced),
                }
            });
            if let Some(next) = next {
                return next;
            }
            // A lag is harmless: the loop reads the current state.
            let _ = batches.recv().await;
        }
    }

    fn look<T>(&self, look: impl FnOnce(Option<&Arc<Container>>) -> T) -> T {
        self.reader.look(|state| look(state.container(&self.source.host, &self.source.id)))
    }

    fn note(&self, note: Message) {
        let (source, at) = (self.number, self.app.clock.now());
        self.queue.put(LogLine {
            source,
            at,
            stream: LogStream::Note,
            text: String::new(),
            cut: 0,
            note: Some(Box::new(note)),
        });
    }
}

fn run_of(it: &Arc<Container>) -> Run {
    (it.id.clone(), it.started_at)
}

/// Identity of a container in Compose, independent of its id: project, service and number.
struct Place {
    labels: [String; 3],
}

const PLACE: [&str; 3] =
    ["com.docker.compose.project", "com.docker.compose.service", "com.docker.compose.container-number"];

impl Place {
    fn of(it: &Container) -> Option<Self> {
        let [project, service, number] = PLACE.map(|key| it.labels.get(key).cloned());
        Some(Self { labels: [project?, service?, number?] })
    }

    fn successor(&self, state: &EngineState, before: &LogSource) -> Option<LogSource> {
        let is_next = |it: &&Arc<Container>| {
            let has_place = PLACE.iter().zip(&self.labels).all(|(key, value)| it.labels.get(*key) == Some(value));
            it.host == before.host && it.id != before.id && has_place
        };
        state.containers().filter(is_next).max_by_key(|it| it.created).map(source)
    }
}

pub(super) fn source(it: &Arc<Container>) -> LogSource {
    LogSource { host: it.host.clone(), id: it.id.clone(), name: it.name.clone() }
}

/// Finds a container by its id on any host.
pub(super) fn find(reader: &Reader, id: &ContainerId) -> Option<LogSource> {
    let hosts: Vec<HostId> = reader.look(|state| state.hosts().map(|host| host.id.clone()).collect());
    reader.look(|state| hosts.iter().find_map(|host| state.container(host, id)).map(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stdout(text: &str) -> LogLine {
        LogLine {
            source: 0,
            at: Timestamp::default(),
            stream: LogStream::Stdout,
            text: text.into(),
            cut: 0,
            note: None,
        }
    }

    #[test]
    fn overlap_filter_drops_known_and_earlier_lines() {
        let line = |nanos: i64, text: &str| (nanos, stdout(text));
        let second = 1_000_000_000;
        let tail = [line(second, "earlier"), line(9 * second, "b"), line(9 * second - 5, "c")];
        let mut seen = OverlapFilter::of(&tail.into_iter().collect());
        assert_eq!(seen.since(), Some(9 * second - DISORDER));
        let refetched =
            [line(9 * second - 9, "a"), line(9 * second, "b"), line(9 * second - 5, "c"), line(9 * second - 7, "d")];
        assert_eq!(refetched.map(|(at, line)| seen.has(at, &line)), [true, true, true, false]);

        let mut seen = OverlapFilter::of(&[line(second, "tick"), line(second, "tick")].into_iter().collect());
        let ticks = [(); 3].map(|()| seen.has(second, &line(second, "tick").1));
        assert_eq!(ticks, [true, true, false], "each of two identical lines matches once");

        let mut seen = OverlapFilter::of(&[line(second, "no longer kept")].into_iter().collect());
        assert!(!seen.has(2 * second, &line(0, "new").1));
        assert_eq!(OverlapFilter::default().since(), None);
    }

    #[test]
    fn refetched_latest_lines_are_recognized_as_duplicates() {
        let second = 1_000_000_000;
        // From an engine that has times in whole seconds only.
        let mut latest = Latest::default();
        for (nanos, text) in [(second, "a"), (2 * second, "b"), (2 * second, "b"), (2 * second, "c")] {
            latest.note(nanos, &stdout(text));
        }
        assert_eq!(latest.since(), 2 * second - PRECISION);
        let mut seen = latest.repeated();
        let again = ["b", "b", "c", "b", "d"].map(|text| seen.has(2 * second, &stdout(text)));
        assert_eq!(again, [true, true, true, false, false]);

        let mut latest = Latest::default();
        for (nanos, text) in [(second, "a"), (second + 2_000, "b"), (second + 2_007, "c"), (second + 1_999, "b")] {
            latest.note(nanos, &stdout(text));
        }
        let mut seen = latest.repeated();
        let again = [(1_999, "b"), (2_000, "b"), (2_007, "c"), (2_008, "c")];
        assert_eq!(again.map(|(nanos, text)| seen.has(second + nanos, &stdout(text))), [true, true, true, false]);

        // Both outputs of a container, each in order: the engine returns what follows the first line that is late enough.
        let mut latest = Latest::default();
        let lines = [(second, "before"), (second + 300_000, "error"), (second + 100_000, "first")];
        lines.iter().for_each(|(nanos, text)| latest.note(*nanos, &stdout(text)));
        assert_eq!(latest.since(), second + 300_000 - PRECISION);
        let mut seen = latest.repeated();
        let again = [lines[1], lines[2], (2 * second, "first")];
        assert_eq!(again.map(|(nanos, text)| seen.has(nanos, &stdout(text))), [true, true, false]);
    }
}
