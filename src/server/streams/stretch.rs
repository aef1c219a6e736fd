//! Stretches of logs: the last lines, those up to a moment, and those after it; of several logs together without a gap.

use super::shelf::MOST_BYTES;
use crate::{
    model::{Engine, Host, LogLine, Timestamp},
    server::{
        app::App,
        engine::{EngineError, LogLines, LogRange},
    },
    wire::log::LogSource,
};
use futures::future::join_all;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::time::timeout;

/// For a stretch of one log: one engine that says nothing more keeps the others' back no longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// An engine counts its last lines from the end, whatever moment they are to be up to: so many more are asked for first than
/// are known to be after it, and then four times as many, and then all.
const SLACK: u32 = 200;
const FURTHER: u32 = 4;

/// An engine keeps lines as it has taken them from two pipes: a little out of their times' order, in nanoseconds.
pub(super) const DISORDER: i64 = 100_000_000;

/// Lines after a place among which there may be some that belong before it.
const BEYOND: usize = 2_000;

const SECOND: i64 = 1_000_000;

/// Where an engine does not count lines rightly, they are counted here, for no longer than this: in a log of a million lines a
/// garbled one is better than none.
const BY_HAND: Duration = Duration::from_secs(2);

/// They are looked for among those of this time first.
const RECENTLY: i64 = 600 * SECOND;

/// Part of a log, in the engine's order; each line with its time in nanoseconds.
#[derive(Default)]
pub(super) struct Stretch {
    pub(super) lines: VecDeque<(i64, LogLine)>,
    /// There is nothing more of the log on the side it was cut at.
    pub(super) is_whole: bool,
    /// Of text.
    bytes: usize,
}

/// No more of a log than so many lines and bytes of text.
#[derive(Debug, Clone, Copy)]
struct Most {
    lines: usize,
    bytes: usize,
}

/// A place in a log: before the first line that somebody has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark<'a> {
    /// When that was written.
    pub(super) at: Timestamp,
    /// So many of the lines of this microsecond are had: the last of them. With none the place is after all of them, or after
    /// the one that is meant.
    pub(super) had: usize,
    /// How the one that is meant begins.
    pub(super) line: Option<&'a str>,
}

/// Which lines of more than are wanted are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kept<'a> {
    /// The first of those after a place.
    FirstAfter(Mark<'a>),
    Last,
}

impl Mark<'_> {
    fn is_at(self, line: &LogLine) -> bool {
        line.at == self.at && self.line.is_some_and(|beginning| line.text.starts_with(beginning))
    }

    /// Until when lines may have been written that an engine says to be of its moment, in nanoseconds. An engine whose times
    /// are whole seconds cuts them off, and compares the whole ones.
    fn end(self) -> i64 {
        let grain = if self.at.micros() % SECOND == 0 { SECOND } else { 1 };
        self.at.micros().saturating_add(grain).saturating_mul(1_000)
    }
}

/// The last `lines` of each; a failure for one that could not be read in time.
pub(super) async fn tails(app: &App, sources: &[(u16, LogSource)], lines: u32) -> Vec<Result<Stretch, EngineError>> {
    let most = most(lines, sources);
    let tail = LogRange { tail: Some(lines), ..LogRange::default() };
    let since = app.clock.now().micros().saturating_sub(RECENTLY).saturating_mul(1_000);
    let recent = LogRange { since: Some(since), ..LogRange::default() };
    each(sources, |source| async move {
        let by_hand = async {
            let near = read(app, source, recent, most, Kept::Last).await?;
            if near.lines.len() >= most.lines {
                return Ok(Stretch { is_whole: false, ..near });
            }
            read(app, source, LogRange::default(), most, Kept::Last).await
        };
        if !counts_rightly(app, source)
            && let Ok(counted) = timeout(BY_HAND, by_hand).await
        {
            return counted;
        }
        read(app, source, tail, most, Kept::Last).await
    })
    .await
}

fn counts_rightly(app: &App, (_, source): &(u16, LogSource)) -> bool {
    let counts = |host: &Arc<Host>| host.engine.as_ref().is_none_or(Engine::counts_lines_rightly);
    app.reader.look(|state| state.host(&source.host).is_none_or(counts))
}

/// The last `lines` of each before its mark. About `after` are known to have been written after it.
pub(super) async fn before(
    app: &App,
    sources: &[(u16, LogSource)],
    marks: &[Mark<'_>],
    (lines, after): (u32, u32),
) -> Vec<Result<Stretch, EngineError>> {
    let most = most(lines, sources);
    let near = after.saturating_add(lines).saturating_add(SLACK);
    each(sources, |source| async move {
        let mark = marks[usize::from(source.0)];
        if !counts_rightly(app, source)
            && let Ok(counted) = timeout(BY_HAND, read_before(app, source, None, most, mark)).await
        {
            return counted.map(|(stretch, _)| stretch);
        }
        for tail in [Some(near), Some(near.saturating_mul(FURTHER)), None] {
            let (stretch, is_all) = read_before(app, source, tail, most, mark).await?;
            if !stretch.is_whole || is_all {
                return Ok(stretch);
            }
        }
        unreachable!("without a tail it is all that there is")
    })
    .await
}

/// The first `lines` of each after its mark.
pub(super) async fn after(
    app: &App,
    sources: &[(u16, LogSource)],
    marks: &[Mark<'_>],
    lines: u32,
) -> Vec<Result<Stretch, EngineError>> {
    let most = most(lines, sources);
    each(sources, |source| async move {
        let mark = marks[usize::from(source.0)];
        let since = Some(mark.at.micros().saturating_mul(1_000));
        read(app, source, LogRange { since, ..LogRange::default() }, most, Kept::FirstAfter(mark)).await
    })
    .await
}

impl Stretch {
    fn push(&mut self, nanos: i64, line: LogLine) {
        self.bytes += line.text.len();
        self.lines.push_back((nanos, line));
    }

    fn end_at(&mut self, mark: Mark<'_>) {
        if mark.had == 0 {
            match self.lines.iter().position(|(_, line)| mark.is_at(line)) {
                Some(place) => self.lines.truncate(place + 1),
                None => self.lines.retain(|(_, line)| line.at <= mark.at),
            }
            return self.weigh();
        }
        let of_it = self.lines.iter().enumerate().filter(|(_, (_, line))| line.at == mark.at).map(|(place, _)| place);
        let places: Vec<usize> = of_it.collect();
        let place = places.len().checked_sub(mark.had).and_then(|first| places.get(first)).or(places.first());
        let end = place.copied().unwrap_or_else(|| self.lines.partition_point(|(_, line)| line.at < mark.at));
        self.lines.truncate(end);
        self.weigh();
    }

    fn weigh(&mut self) {
        self.bytes = self.lines.iter().map(|(_, line)| line.text.len()).sum();
    }

    fn keep_last(&mut self, most: Most) {
        while (self.lines.len() > most.lines || self.bytes > most.bytes)
            && let Some((_, oldest)) = self.lines.pop_front()
        {
            self.bytes -= oldest.text.len();
            self.is_whole = false;
        }
    }

    /// Times that never go back, so that lines of several logs can be put in order and those of one keep theirs.
    fn in_time(self) -> impl Iterator<Item = (i64, LogLine)> {
        let mut latest = i64::MIN;
        self.lines.into_iter().map(move |(at, line)| {
            latest = latest.max(at);
            (latest, line)
        })
    }
}

/// Together in order, from where on all of them are there: before the first line of one that was cut, lines of it would be
/// missing between the others'. And whether nothing is missing before them.
pub(super) fn ending_together(stretches: Vec<Stretch>) -> (Vec<LogLine>, bool) {
    let cut = stretches.iter().filter(|it| !it.is_whole);
    let from = cut.clone().filter_map(|it| it.lines.front()).map(|(at, _)| *at).max();
    let is_whole = cut.count() == 0;
    (in_order(stretches, |at| from.is_none_or(|from| at >= from)), is_whole)
}

/// In order, and all of each, wherever it begins. And whether nothing is missing before any of them.
pub(super) fn all_of_each(stretches: Vec<Stretch>) -> (Vec<LogLine>, bool) {
    let is_whole = stretches.iter().all(|it| it.is_whole);
    (in_order(stretches, |_| true), is_whole)
}

/// As [`ending_together`], up to where all of them are there.
pub(super) fn beginning_together(stretches: Vec<Stretch>) -> Vec<LogLine> {
    let cut = stretches.iter().filter(|it| !it.is_whole);
    let to = cut.filter_map(|it| it.lines.iter().map(|(at, _)| *at).max()).min();
    in_order(stretches, |at| to.is_none_or(|to| at <= to))
}

fn in_order(stretches: Vec<Stretch>, is_wanted: impl Fn(i64) -> bool) -> Vec<LogLine> {
    let mut all: Vec<_> = stretches.into_iter().flat_map(Stretch::in_time).filter(|(at, _)| is_wanted(*at)).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, line)| line).collect()
}

fn most(lines: u32, sources: &[(u16, LogSource)]) -> Most {
    Most { lines: lines as usize, bytes: MOST_BYTES / sources.len().max(1) }
}

async fn each<'a, F>(
    sources: &'a [(u16, LogSource)],
    read: impl Fn(&'a (u16, LogSource)) -> F,
) -> Vec<Result<Stretch, EngineError>>
where
    F: Future<Output = Result<Stretch, EngineError>>,
{
    let each = sources.iter().map(read);
    join_all(each.map(|it| async { timeout(PATIENCE, it).await.map_err(|_| EngineError::Timeout).flatten() })).await
}

async fn read(
    app: &App,
    (number, source): &(u16, LogSource),
    range: LogRange,
    most: Most,
    kept: Kept<'_>,
) -> Result<Stretch, EngineError> {
    let mut stretch = Stretch { is_whole: true, ..Stretch::default() };
    let Some(engine) = app.hosts.get(&source.host).cloned() else { return Ok(stretch) };
    let mut log = engine.log(&source.id, range).await?;
    let (mut parts, mut came, mut is_past) = (LogLines::default(), 0, false);
    while let Some(part) = log.next().await? {
        let Some((line, nanos)) = parts.take(part) else { continue };
        came += 1;
        if let Kept::FirstAfter(mark) = kept {
            if !is_past && (line.at <= mark.at) {
                is_past = mark.is_at(&line);
                continue;
            }
            if stretch.lines.len() == most.lines || stretch.bytes + line.text.len() > most.bytes {
                stretch.is_whole = false;
                break;
            }
        }
        stretch.push(nanos, LogLine { source: *number, ..line });
        if kept == Kept::Last {
            stretch.keep_last(most);
        }
    }
    // The engine itself has left out what is before them.
    stretch.is_whole &= range.tail.is_none_or(|tail| came < tail as usize);
    Ok(stretch)
}

/// Of the last `tail` lines those before the mark; and whether the engine has no others before them.
async fn read_before(
    app: &App,
    (number, source): &(u16, LogSource),
    tail: Option<u32>,
    most: Most,
    mark: Mark<'_>,
) -> Result<(Stretch, bool), EngineError> {
    let mut stretch = Stretch { is_whole: true, ..Stretch::default() };
    let Some(engine) = app.hosts.get(&source.host).cloned() else { return Ok((stretch, true)) };
    let until = Some(mark.end().saturating_add(DISORDER));
    let mut log = engine.log(&source.id, LogRange { tail, until, ..LogRange::default() }).await?;
    let (mut parts, mut came, mut beyond) = (LogLines::default(), 0, 0);
    let (mut room, mut is_past) = (most, false);
    while beyond < BEYOND
        && let Some(part) = log.next().await?
    {
        let Some((line, nanos)) = parts.take(part) else { continue };
        came += 1;
        // From the first that is after the mark on none makes room for another, and of its own moment as many as are had
        // don't: they don't count.
        beyond += usize::from(beyond > 0 || is_past || line.at > mark.at);
        is_past |= mark.is_at(&line);
        if line.at == mark.at && room.lines < most.lines.saturating_add(mark.had) {
            room = Most { lines: room.lines + 1, bytes: room.bytes + line.text.len() };
        }
        stretch.push(nanos, LogLine { source: *number, ..line });
        if beyond == 0 {
            stretch.keep_last(room);
        }
    }
    stretch.end_at(mark);
    stretch.keep_last(most);
    Ok((stretch, tail.is_none_or(|tail| beyond < BEYOND && came < tail as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LogStream;

    fn stretch(source: u16, times: &[i64], is_whole: bool) -> Stretch {
        let line = |at: &i64| {
            let (at, text) = (*at, format!("{source}:{at}"));
            (at, LogLine { source, at: Timestamp::from_micros(at), stream: LogStream::Stdout, text, cut: 0 })
        };
        Stretch { lines: times.iter().map(line).collect(), is_whole, ..Stretch::default() }
    }

    fn texts(lines: Vec<LogLine>) -> String {
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn where_one_log_was_cut_the_others_are_cut_too() {
        let (lines, is_whole) =
            ending_together(vec![stretch(0, &[1, 5, 9], true), stretch(1, &[4, 6], false), stretch(2, &[3, 8], false)]);
        assert_eq!((texts(lines).as_str(), is_whole), ("1:4 0:5 1:6 2:8 0:9", false));
        let lines = beginning_together(vec![stretch(0, &[1, 5, 9], true), stretch(1, &[4, 6], false)]);
        assert_eq!(texts(lines), "0:1 1:4 0:5 1:6");
    }

    #[test]
    fn a_log_ends_where_somebody_has_its_lines_already() {
        let ended = |times: &[i64], at: i64, had: usize| {
            let mut stretch = stretch(0, times, true);
            stretch.end_at(Mark { at: Timestamp::from_micros(at), had, line: None });
            stretch.lines.into_iter().map(|(at, _)| at).collect::<Vec<_>>()
        };
        assert_eq!(ended(&[1, 2, 3, 4], 3, 1), [1, 2]);
        assert_eq!(ended(&[1, 3, 3, 3, 4], 3, 2), [1, 3], "of one microsecond the last are had");
        assert_eq!(ended(&[1, 4, 3, 5], 3, 1), [1, 4], "the engine's order, not the times'");
        assert_eq!(ended(&[1, 3, 4], 3, 0), [1, 3], "none of it is had");
        assert_eq!(ended(&[1, 2, 9], 5, 1), [1, 2], "it is not kept any more");

        let mut of_a_moment = stretch(0, &[1, 2, 2, 2], true);
        of_a_moment.lines[2].1.text = "meant".into();
        of_a_moment.end_at(Mark { at: Timestamp::from_micros(2), had: 0, line: Some("mea") });
        assert_eq!(texts(of_a_moment.lines.into_iter().map(|(_, line)| line).collect()), "0:1 0:2 meant");
    }

    #[test]
    fn lines_of_one_log_keep_their_order_among_others() {
        let (lines, _) = ending_together(vec![stretch(0, &[5, 4, 9], true), stretch(1, &[6], true)]);
        assert_eq!(texts(lines), "0:5 0:4 1:6 0:9");
    }

    #[test]
    fn whole_logs_are_whole_together() {
        let (lines, is_whole) =
            ending_together(vec![stretch(0, &[2], true), stretch(1, &[1], true), Stretch::default()]);
        assert_eq!((texts(lines).as_str(), is_whole), ("1:1 0:2", false), "one that nothing is known of");
        let (lines, is_whole) = ending_together(vec![stretch(0, &[2], true), stretch(1, &[1], true)]);
        assert_eq!((texts(lines).as_str(), is_whole), ("1:1 0:2", true));
    }
}
