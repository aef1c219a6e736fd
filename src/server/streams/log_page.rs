//! Log pages: the last lines, the lines before a time, and the lines after it. Pages of several logs are merged without a gap.

use super::log_queue::MOST_BYTES;
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

/// Timeout for the page of one log: an engine that stops answering delays the other pages no longer than this.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An engine counts a tail from the end of the log, whatever time the lines must precede. The first request therefore adds this
/// many lines to the page and to the lines known to be after that time. The second asks for four times as many, the third for
/// all.
const SLACK: u32 = 200;
const FURTHER: u32 = 4;

/// Maximum disorder of a log, in nanoseconds: an engine stores lines in the order in which it reads them from two pipes,
/// slightly out of time order.
pub(super) const DISORDER: i64 = 100_000_000;

/// Lines after a cursor among which some may belong before it.
const BEYOND: usize = 2_000;

const SECOND: i64 = 1_000_000;

/// Time limit for counting lines here, for an engine that counts them wrongly: in a log of a million lines a garbled line is
/// better than none.
const BY_HAND: Duration = Duration::from_secs(2);

/// Lines of this period are counted first, in microseconds.
const RECENTLY: i64 = 600 * SECOND;

/// Part of a log, in the engine's order. Each line has its time in nanoseconds.
#[derive(Default)]
pub(super) struct LogPage {
    pub(super) lines: VecDeque<(i64, LogLine)>,
    /// The log has no more lines on the side where the page was cut.
    pub(super) is_whole: bool,
    /// Bytes of text in `lines`.
    bytes: usize,
}

/// Size limit of a page, in lines and bytes of text.
#[derive(Debug, Clone, Copy)]
struct Most {
    lines: usize,
    bytes: usize,
}

/// A position in a log: before the first line that the client has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor<'a> {
    /// When that line was written.
    pub(super) at: Timestamp,
    /// How many lines of this microsecond the client has: the last ones. If 0, the position is after all of them, or after the
    /// one that `line` identifies.
    pub(super) had: usize,
    /// How the text of that line begins.
    pub(super) line: Option<&'a str>,
}

/// Which lines to keep if there are more than requested.
#[derive(Debug, Clone, Copy, PartialEq)]
enum KeptLines<'a> {
    /// The first ones after a cursor.
    FirstAfter(Cursor<'a>),
    Last,
}

impl Cursor<'_> {
    fn is_at(self, line: &LogLine) -> bool {
        line.at == self.at && self.line.is_some_and(|beginning| line.text.starts_with(beginning))
    }

    /// End of the time, in nanoseconds, for which an engine may report the cursor's time. An engine with times in whole seconds
    /// truncates them, and compares the truncated ones.
    fn end(self) -> i64 {
        let grain = if self.at.micros() % SECOND == 0 { SECOND } else { 1 };
        self.at.micros().saturating_add(grain).saturating_mul(1_000)
    }
}

/// The last `lines` of each log, or an error for a log that could not be read in time.
pub(super) async fn tails(app: &App, sources: &[(u16, LogSource)], lines: u32) -> Vec<Result<LogPage, EngineError>> {
    let most = most(lines, sources);
    let tail = LogRange { tail: Some(lines), ..LogRange::default() };
    let since = app.clock.now().micros().saturating_sub(RECENTLY).saturating_mul(1_000);
    let recent = LogRange { since: Some(since), ..LogRange::default() };
    each(sources, |source| async move {
        let by_hand = async {
            let near = read(app, source, recent, most, KeptLines::Last).await?;
            if near.lines.len() >= most.lines {
                return Ok(LogPage { is_whole: false, ..near });
            }
            read(app, source, LogRange::default(), most, KeptLines::Last).await
        };
        if !counts_rightly(app, source)
            && let Ok(counted) = timeout(BY_HAND, by_hand).await
        {
            return counted;
        }
        read(app, source, tail, most, KeptLines::Last).await
    })
    .await
}

fn counts_rightly(app: &App, (_, source): &(u16, LogSource)) -> bool {
    let counts = |host: &Arc<Host>| host.engine.as_ref().is_none_or(Engine::counts_lines_rightly);
    app.reader.look(|state| state.host(&source.host).is_none_or(counts))
}

/// The last `lines` of each log before its cursor. About `after` lines are known to have been written after it.
pub(super) async fn before(
    app: &App,
    sources: &[(u16, LogSource)],
    cursors: &[Cursor<'_>],
    (lines, after): (u32, u32),
) -> Vec<Result<LogPage, EngineError>> {
    let most = most(lines, sources);
    let near = after.saturating_add(lines).saturating_add(SLACK);
    each(sources, |source| async move {
        let cursor = cursors[usize::from(source.0)];
        if !counts_rightly(app, source)
            && let Ok(counted) = timeout(BY_HAND, read_before(app, source, None, most, cursor)).await
        {
            return counted.map(|(page, _)| page);
        }
        for tail in [Some(near), Some(near.saturating_mul(FURTHER)), None] {
            let (page, is_all) = read_before(app, source, tail, most, cursor).await?;
            if !page.is_whole || is_all {
                return Ok(page);
            }
        }
        unreachable!("a read without a tail is complete")
    })
    .await
}

/// The first `lines` of each log after its cursor.
pub(super) async fn after(
    app: &App,
    sources: &[(u16, LogSource)],
    cursors: &[Cursor<'_>],
    lines: u32,
) -> Vec<Result<LogPage, EngineError>> {
    let most = most(lines, sources);
    each(sources, |source| async move {
        let cursor = cursors[usize::from(source.0)];
        let since = Some(cursor.at.micros().saturating_mul(1_000));
        read(app, source, LogRange { since, ..LogRange::default() }, most, KeptLines::FirstAfter(cursor)).await
    })
    .await
}

impl LogPage {
    fn push(&mut self, nanos: i64, line: LogLine) {
        self.bytes += line.text.len();
        self.lines.push_back((nanos, line));
    }

    fn end_at(&mut self, cursor: Cursor<'_>) {
        if cursor.had == 0 {
            match self.lines.iter().position(|(_, line)| cursor.is_at(line)) {
                Some(place) => self.lines.truncate(place + 1),
                None => self.lines.retain(|(_, line)| line.at <= cursor.at),
            }
            return self.weigh();
        }
        let of_it = self.lines.iter().enumerate().filter(|(_, (_, line))| line.at == cursor.at).map(|(place, _)| place);
        let places: Vec<usize> = of_it.collect();
        let place = places.len().checked_sub(cursor.had).and_then(|first| places.get(first)).or(places.first());
        let end = place.copied().unwrap_or_else(|| self.lines.partition_point(|(_, line)| line.at < cursor.at));
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

    /// Lines with times that never decrease, so that lines of several logs can be sorted while those of one log keep their
    /// order.
    fn in_time(self) -> impl Iterator<Item = (i64, LogLine)> {
        let mut latest = i64::MIN;
        self.lines.into_iter().map(move |(at, line)| {
            latest = latest.max(at);
            (latest, line)
        })
    }
}

/// Merges pages in order, beginning where all of them have lines: before the first line of a page that was cut, lines of that
/// log would be missing between the others. Also returns whether no lines are missing before the result.
pub(super) fn ending_together(pages: Vec<LogPage>) -> (Vec<LogLine>, bool) {
    let cut = pages.iter().filter(|it| !it.is_whole);
    let from = cut.clone().filter_map(|it| it.lines.front()).map(|(at, _)| *at).max();
    let is_whole = cut.count() == 0;
    (in_order(pages, |at| from.is_none_or(|from| at >= from)), is_whole)
}

/// Merges all lines of all pages in order, wherever each page begins. Also returns whether no lines are missing before any of
/// them.
pub(super) fn all_of_each(pages: Vec<LogPage>) -> (Vec<LogLine>, bool) {
    let is_whole = pages.iter().all(|it| it.is_whole);
    (in_order(pages, |_| true), is_whole)
}

/// Like [`ending_together`], but ends where all of the pages have lines.
pub(super) fn beginning_together(pages: Vec<LogPage>) -> Vec<LogLine> {
    let cut = pages.iter().filter(|it| !it.is_whole);
    let to = cut.filter_map(|it| it.lines.iter().map(|(at, _)| *at).max()).min();
    in_order(pages, |at| to.is_none_or(|to| at <= to))
}

fn in_order(pages: Vec<LogPage>, is_wanted: impl Fn(i64) -> bool) -> Vec<LogLine> {
    let mut all: Vec<_> = pages.into_iter().flat_map(LogPage::in_time).filter(|(at, _)| is_wanted(*at)).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, line)| line).collect()
}

fn most(lines: u32, sources: &[(u16, LogSource)]) -> Most {
    Most { lines: lines as usize, bytes: MOST_BYTES / sources.len().max(1) }
}

async fn each<'a, F>(
    sources: &'a [(u16, LogSource)],
    read: impl Fn(&'a (u16, LogSource)) -> F,
) -> Vec<Result<LogPage, EngineError>>
where
    F: Future<Output = Result<LogPage, EngineError>>,
{
    let each = sources.iter().map(read);
    join_all(each.map(|it| async { timeout(TIMEOUT, it).await.map_err(|_| EngineError::Timeout).flatten() })).await
}

async fn read(
    app: &App,
    (number, source): &(u16, LogSource),
    range: LogRange,
    most: Most,
    kept: KeptLines<'_>,
) -> Result<LogPage, EngineError> {
    let mut page = LogPage { is_whole: true, ..LogPage::default() };
    let Some(engine) = app.hosts.get(&source.host).cloned() else { return Ok(page) };
    let mut log = engine.log(&source.id, range).await?;
    let (mut parts, mut came, mut is_past) = (LogLines::default(), 0, false);
    while let Some(part) = log.next().await? {
        let Some((line, nanos)) = parts.take(part) else { continue };
        came += 1;
        if let KeptLines::FirstAfter(cursor) = kept {
            if !is_past && (line.at <= cursor.at) {
                is_past = cursor.is_at(&line);
                continue;
            }
            if page.lines.len() == most.lines || page.bytes + line.text.len() > most.bytes {
                page.is_whole = false;
                break;
            }
        }
        page.push(nanos, LogLine { source: *number, ..line });
        if kept == KeptLines::Last {
            page.keep_last(most);
        }
    }
    // If `tail` lines arrived, the engine has left out those before them.
    page.is_whole &= range.tail.is_none_or(|tail| came < tail as usize);
    Ok(page)
}

/// Reads the lines before the cursor among the last `tail` lines. Also returns whether the engine has no others before them.
async fn read_before(
    app: &App,
    (number, source): &(u16, LogSource),
    tail: Option<u32>,
    most: Most,
    cursor: Cursor<'_>,
) -> Result<(LogPage, bool), EngineError> {
    let mut page = LogPage { is_whole: true, ..LogPage::default() };
    let Some(engine) = app.hosts.get(&source.host).cloned() else { return Ok((page, true)) };
    let until = Some(cursor.end().saturating_add(DISORDER));
    let mut log = engine.log(&source.id, LogRange { tail, until, ..LogRange::default() }).await?;
    let (mut parts, mut came, mut beyond) = (LogLines::default(), 0, 0);
    let (mut room, mut is_past) = (most, false);
    while beyond < BEYOND
        && let Some(part) = log.next().await?
    {
        let Some((line, nanos)) = parts.take(part) else { continue };
        came += 1;
        // From the first line after the cursor on, no line evicts another. Of the lines at the cursor's time, as many as the
        // client has don't count and so evict none.
        beyond += usize::from(beyond > 0 || is_past || line.at > cursor.at);
        is_past |= cursor.is_at(&line);
        if line.at == cursor.at && room.lines < most.lines.saturating_add(cursor.had) {
            room = Most { lines: room.lines + 1, bytes: room.bytes + line.text.len() };
        }
        page.push(nanos, LogLine { source: *number, ..line });
        if beyond == 0 {
            page.keep_last(room);
        }
    }
    page.end_at(cursor);
    page.keep_last(most);
    Ok((page, tail.is_none_or(|tail| beyond < BEYOND && came < tail as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LogStream;

    fn page(source: u16, times: &[i64], is_whole: bool) -> LogPage {
        let line = |at: &i64| {
            let (at, text) = (*at, format!("{source}:{at}"));
            (
                at,
                LogLine { source, at: Timestamp::from_micros(at), stream: LogStream::Stdout, text, cut: 0, note: None },
            )
        };
        LogPage { lines: times.iter().map(line).collect(), is_whole, ..LogPage::default() }
    }

    fn texts(lines: Vec<LogLine>) -> String {
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn truncated_log_truncates_the_merged_page() {
        let (lines, is_whole) =
            ending_together(vec![page(0, &[1, 5, 9], true), page(1, &[4, 6], false), page(2, &[3, 8], false)]);
        assert_eq!((texts(lines).as_str(), is_whole), ("1:4 0:5 1:6 2:8 0:9", false));
        let lines = beginning_together(vec![page(0, &[1, 5, 9], true), page(1, &[4, 6], false)]);
        assert_eq!(texts(lines), "0:1 1:4 0:5 1:6");
    }

    #[test]
    fn page_ends_before_the_lines_of_the_cursor() {
        let ended = |times: &[i64], at: i64, had: usize| {
            let mut page = page(0, times, true);
            page.end_at(Cursor { at: Timestamp::from_micros(at), had, line: None });
            page.lines.into_iter().map(|(at, _)| at).collect::<Vec<_>>()
        };
        assert_eq!(ended(&[1, 2, 3, 4], 3, 1), [1, 2]);
        assert_eq!(ended(&[1, 3, 3, 3, 4], 3, 2), [1, 3], "the last lines of the same microsecond are already loaded");
        assert_eq!(ended(&[1, 4, 3, 5], 3, 1), [1, 4], "the engine's order, not the order of timestamps");
        assert_eq!(ended(&[1, 3, 4], 3, 0), [1, 3], "no line of that time is loaded yet");
        assert_eq!(ended(&[1, 2, 9], 5, 1), [1, 2], "the line is no longer available");

        let mut of_a_moment = page(0, &[1, 2, 2, 2], true);
        of_a_moment.lines[2].1.text = "meant".into();
        of_a_moment.end_at(Cursor { at: Timestamp::from_micros(2), had: 0, line: Some("mea") });
        assert_eq!(texts(of_a_moment.lines.into_iter().map(|(_, line)| line).collect()), "0:1 0:2 meant");
    }

    #[test]
    fn merged_logs_keep_the_order_of_each_log() {
        let (lines, _) = ending_together(vec![page(0, &[5, 4, 9], true), page(1, &[6], true)]);
        assert_eq!(texts(lines), "0:5 0:4 1:6 0:9");
    }

    #[test]
    fn merged_page_is_complete_if_every_log_is() {
        let (lines, is_whole) = ending_together(vec![page(0, &[2], true), page(1, &[1], true), LogPage::default()]);
        assert_eq!((texts(lines).as_str(), is_whole), ("1:1 0:2", false), "one log is incomplete");
        let (lines, is_whole) = ending_together(vec![page(0, &[2], true), page(1, &[1], true)]);
        assert_eq!((texts(lines).as_str(), is_whole), ("1:1 0:2", true));
    }
}
