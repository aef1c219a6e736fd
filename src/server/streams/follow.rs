//! One container's log, followed through its runs: when it starts again, and when Compose puts another in its place.

use super::{shelf::Shelf, stretch::DISORDER};
use crate::{
    model::{Container, ContainerId, ContainerState, EngineState, HostId, LogLine, LogStream, Timestamp},
    server::{
        app::App,
        engine::{EngineError, LogLines, LogRange},
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

/// Before a log that ended while its container runs on is opened anew.
const AGAIN: Duration = Duration::from_secs(1);

/// Of a second.
const NANOS: i64 = 1_000_000_000;

pub(super) struct Follower {
    pub(super) app: App,
    pub(super) number: u16,
    pub(super) source: LogSource,
    /// From where on.
    pub(super) range: LogRange,
    /// What comes again there.
    pub(super) had: Had,
    pub(super) shelf: Arc<Shelf>,
    /// Hears of each new container in this one's place.
    pub(super) moved: mpsc::Sender<(u16, LogSource)>,
}

/// The last lines of a log that somebody has. Whoever asks for what is after them gets some of them again, and some that were
/// before: an engine takes a moment only, and lines are a little out of their times' order.
#[derive(Default)]
pub(super) struct Had {
    lines: Counted,
    latest: i64,
    /// Some of them have come again: what is none of them is after them.
    has_begun: bool,
}

/// How often each line came, by its time in nanoseconds and a hash of what it is.
type Counted = HashMap<(i64, u64), u32>;

/// The lines of a log's latest second, where the engine says no more of their times: asked for what is after them it says them
/// again.
#[derive(Default)]
struct LastSecond {
    at: i64,
    lines: Counted,
}

impl LastSecond {
    fn note(&mut self, nanos: i64, line: &LogLine) {
        if nanos <= 0 || nanos % NANOS != 0 || nanos < self.at {
            return;
        }
        if nanos > self.at {
            (self.at, self.lines) = (nanos, Counted::new());
        }
        *self.lines.entry((nanos, print(line))).or_default() += 1;
    }

    /// What comes again of a log that is asked for from its last moment on; nothing where the one after it can be said.
    fn repeated(self, last: i64) -> Option<Had> {
        let is_it = self.at == last && !self.lines.is_empty();
        is_it.then_some(Had { lines: self.lines, latest: last, has_begun: true })
    }
}

fn print(line: &LogLine) -> u64 {
    let mut hasher = DefaultHasher::new();
    (line.stream, &line.text).hash(&mut hasher);
    hasher.finish()
}

impl Had {
    pub(super) fn of(lines: &VecDeque<(i64, LogLine)>) -> Self {
        let latest = lines.iter().map(|(at, _)| *at).max().unwrap_or_default();
        let mut had = Self { latest, ..Self::default() };
        for (at, line) in lines.iter().filter(|(at, _)| *at >= latest - DISORDER) {
            *had.lines.entry((*at, print(line))).or_default() += 1;
        }
        had
    }

    /// From when on the engine is asked for what comes after.
    pub(super) fn since(&self) -> Option<i64> {
        (!self.lines.is_empty()).then_some(self.latest - DISORDER)
    }

    /// Whether the line is no news. Asked in the log's order.
    fn has(&mut self, nanos: i64, line: &LogLine) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        // What was kept then is not any more.
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

/// A run of a container: what tells it from the next.
type Run = (ContainerId, Option<Timestamp>);

/// What has become of the container that was followed.
enum Next {
    /// It runs anew.
    Restarted,
    /// Another has its place.
    Replaced(LogSource),
    /// It runs on, as it did.
    StillRuns,
}

impl Follower {
    /// Never ends by itself.
    pub(super) async fn run(mut self) {
        let mut last = self.range.since;
        let mut range = self.range;
        let mut second = LastSecond::default();
        let mut place = self.look(|it| it.and_then(|it| Place::of(it)));
        loop {
            let run = self.look(|it| it.map(run_of));
            let read = self.read(range, &mut last, &mut second).await;
            // Asked again it would say the same, until there is another run.
            let is_refused = matches!(read, Err(EngineError::Refused { .. } | EngineError::Malformed(_)));
            if let Err(error) = read
                && !error.is_not_found()
            {
                self.note(error.to_string());
            }
            place = self.look(|it| it.and_then(|it| Place::of(it))).or(place);
            self.tell_of_the_end();
            match self.next(run.as_ref().filter(|_| !is_refused), run.as_ref(), place.as_ref()).await {
                // Mostly its end has not been heard of yet: then what it is a moment later tells.
                Next::StillRuns => {
                    sleep(AGAIN).await;
                    if self.look(|it| it.is_some_and(|it| it.state.is_up()) && it.map(run_of) != run) {
                        self.started();
                    }
                }
                Next::Restarted => self.started(),
                Next::Replaced(other) => {
                    self.note(format!("{} has taken the place of {}", other.name, self.source.name));
                    self.source = other.clone();
                    (last, second) = (None, LastSecond::default());
                    // The viewer that hears of it is the one who dropped us otherwise.
                    let _ = self.moved.send((self.number, other)).await;
                }
            }
            // From there on: nothing twice, and nothing of before that was not asked for.
            let repeated = last.and_then(|last| std::mem::take(&mut second).repeated(last));
            let since = last.map(|nanos| if repeated.is_some() { nanos } else { nanos + 1 });
            self.had = repeated.unwrap_or(self.had);
            range = LogRange { follow: true, since, ..LogRange::default() };
        }
    }

    /// Until the stream ends.
    async fn read(
        &mut self,
        range: LogRange,
        last: &mut Option<i64>,
        second: &mut LastSecond,
    ) -> Result<(), EngineError> {
        let Some(engine) = self.app.hosts.get(&self.source.host).cloned() else { return Ok(()) };
        let mut log = engine.log(&self.source.id, range).await?;
        let mut lines = LogLines::default();
        let (shelf, source) = (&self.shelf, self.number);
        let put = |line: LogLine| shelf.put(LogLine { source, ..line });
        while let Some(part) = log.next().await? {
            if let Some((line, nanos)) = lines.take(part) {
                *last = Some(last.unwrap_or_default().max(nanos));
                second.note(nanos, &line);
                if !self.had.has(nanos, &line) {
                    put(line);
                }
            }
        }
        lines.rest().for_each(put);
        Ok(())
    }

    fn started(&self) {
        self.note(format!("{} has started", self.source.name));
    }

    fn tell_of_the_end(&self) {
        let words = self.look(|it| match it {
            None => Some("is gone".to_owned()),
            Some(it) if it.state == ContainerState::Exited => {
                Some(it.exit_code.map_or_else(|| "has ended".to_owned(), |code| format!("has ended with code {code}")))
            }
            Some(it) if it.state == ContainerState::Created => Some("has not been started yet".to_owned()),
            Some(_) => None,
        });
        if let Some(words) = words {
            self.note(format!("{} {words}", self.source.name));
        }
    }

    /// Waits until there is more to read; of the run `again` there is.
    async fn next(&self, again: Option<&Run>, before: Option<&Run>, place: Option<&Place>) -> Next {
        let mut batches = self.app.reader.follow(None).batches;
        loop {
            let next = self.app.reader.look(|state| {
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
            // Lagging is no harm: the state is looked at as it is.
            let _ = batches.recv().await;
        }
    }

    fn look<T>(&self, look: impl FnOnce(Option<&Arc<Container>>) -> T) -> T {
        self.app.reader.look(|state| look(state.container(&self.source.host, &self.source.id)))
    }

    fn note(&self, text: String) {
        let (source, at) = (self.number, self.app.clock.now());
        self.shelf.put(LogLine { source, at, stream: LogStream::Note, text, cut: 0 });
    }
}

fn run_of(it: &Arc<Container>) -> Run {
    (it.id.clone(), it.started_at)
}

/// What Compose knows a container by, whatever its id.
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

/// By its id on any host.
pub(super) fn find(app: &App, id: &ContainerId) -> Option<LogSource> {
    let hosts: Vec<HostId> = app.reader.look(|state| state.hosts().map(|host| host.id.clone()).collect());
    app.reader.look(|state| hosts.iter().find_map(|host| state.container(host, id)).map(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_has_and_what_was_before_it_is_no_news() {
        let line = |nanos: i64, text: &str| {
            (
                nanos,
                LogLine { source: 0, at: Timestamp::default(), stream: LogStream::Stdout, text: text.into(), cut: 0 },
            )
        };
        let second = 1_000_000_000;
        let tail = [line(second, "long ago"), line(9 * second, "b"), line(9 * second - 5, "c")];
        let mut had = Had::of(&tail.into_iter().collect());
        assert_eq!(had.since(), Some(9 * second - DISORDER));
        let told =
            [line(9 * second - 9, "a"), line(9 * second, "b"), line(9 * second - 5, "c"), line(9 * second - 7, "d")];
        assert_eq!(told.map(|(at, line)| had.has(at, &line)), [true, true, true, false]);

        let mut had = Had::of(&[line(second, "tick"), line(second, "tick")].into_iter().collect());
        let ticks = [(); 3].map(|()| had.has(second, &line(second, "tick").1));
        assert_eq!(ticks, [true, true, false], "each of two equal ones once");

        let mut had = Had::of(&[line(second, "gone by now")].into_iter().collect());
        assert!(!had.has(2 * second, &line(0, "new").1));
        assert_eq!(Had::default().since(), None);
    }

    #[test]
    fn of_a_log_in_whole_seconds_the_last_second_is_read_again_and_is_no_news() {
        let line = |text: &str| LogLine {
            source: 0,
            at: Timestamp::default(),
            stream: LogStream::Stdout,
            text: text.into(),
            cut: 0,
        };
        let mut second = LastSecond::default();
        for (nanos, text) in [(NANOS, "a"), (2 * NANOS, "b"), (2 * NANOS, "b"), (2 * NANOS, "c")] {
            second.note(nanos, &line(text));
        }
        let mut had = second.repeated(2 * NANOS).unwrap();
        let again = ["b", "b", "c", "b", "d"].map(|text| had.has(2 * NANOS, &line(text)));
        assert_eq!(again, [true, true, true, false, false]);

        let mut second = LastSecond::default();
        second.note(NANOS + 7, &line("a"));
        assert!(second.repeated(NANOS + 7).is_none(), "the nanosecond after it can be said");
    }
}
