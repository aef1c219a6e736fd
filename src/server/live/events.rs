//! Event delivery: on the socket as events arrive, and from the history by `GET /api/events`.

use super::{Asked, poll::binary_answer};
use crate::{
    model::{BadQuery, Event, EventPage, EventQuery, Message, Timestamp},
    server::{
        app::App,
        auth::Caller,
        body::streamed,
        history::{Cursor, History},
        problem::Problem,
    },
    wire::{ActionError, Encoding, EngineEvent, EngineEvents, ErrorKind},
};
use axum::{
    Json,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, stream};
use std::{convert::Infallible, fmt::Write, sync::Arc};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Maximum events sent when a subscription begins.
const CURRENT: usize = 100;

/// Default length of a page.
const PAGE: usize = 100;

const LONGEST_PAGE: usize = 1_000;

/// One client's event subscription. Receives nothing until [`Listener::begin`].
pub(super) struct Listener {
    history: History,
    caller: Caller,
    heard: Option<Heard>,
}

struct Heard {
    events: Receiver<Arc<Event>>,
    /// Sequence number of the newest event sent at the beginning.
    until: u64,
    skipped: u64,
}

impl Listener {
    pub(super) fn new(history: History, caller: Caller) -> Self {
        Self { history, caller, heard: None }
    }

    /// Subscribes. Returns the current events, newest first; [`Self::next`] returns the later ones.
    pub(super) fn begin(&mut self) -> EngineEvents {
        let receiver = self.history.listen();
        let (until, events) = self.history.newest(CURRENT, |event| self.caller.see(event));
        self.heard = Some(Heard { events: receiver, until, skipped: 0 });
        EngineEvents { events, history: self.history.status() }
    }

    pub(super) fn end(&mut self) {
        self.heard = None;
    }

    /// The next event; pending while there is no subscription. Cancel safe.
    pub(super) async fn next(&mut self) -> EngineEvent {
        loop {
            let Some(heard) = &mut self.heard else {
                std::future::pending::<()>().await;
                continue;
            };
            match heard.events.recv().await {
                Ok(event) if event.seq <= heard.until => {}
                Ok(event) => {
                    let Some(event) = self.caller.see(&event) else { continue };
                    return EngineEvent { skipped: std::mem::take(&mut heard.skipped), event };
                }
                Err(RecvError::Lagged(count)) => heard.skipped += count,
                // The history lives as long as the server.
                Err(RecvError::Closed) => self.heard = None,
            }
        }
    }
}

/// Query of an address.
#[derive(Debug, Default)]
struct EventsQuery {
    query: EventQuery,
    limit: Option<usize>,
    before: Option<u64>,
    after: Option<u64>,
    format: Format,
    asked: Asked,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Format {
    #[default]
    Page,
    NdJson,
    Csv,
}

impl EventsQuery {
    /// Parses the pairs of a query. Ignores unknown keys: a page's address has some of its own.
    fn read(pairs: &[(String, String)], now: Timestamp) -> Result<Self, BadQuery> {
        let mut query = Self::default();
        for (key, value) in pairs {
            let number = || {
                let bad = |_| BadQuery::new(key, value, "must be a whole number");
                if value.is_empty() { Ok(None) } else { value.parse::<u64>().map(Some).map_err(bad) }
            };
            match key.as_str() {
                "limit" => query.limit = number()?.map(|it| usize::try_from(it).unwrap_or(usize::MAX)),
                "before" => query.before = number()?,
                "after" => query.after = number()?,
                "encoding" => query.asked.encoding = Some(value.clone()),
                "format" => {
                    query.format = match value.as_str() {
                        "" | "json" => Format::Page,
                        "ndjson" => Format::NdJson,
                        "csv" => Format::Csv,
                        _ => return Err(BadQuery::new(key, value, "must be json, ndjson or csv")),
                    }
                }
                _ => drop(query.query.read(key, value, now)?),
            }
        }
        Ok(query)
    }

    fn place(&self) -> Cursor {
        self.after.map_or(Cursor::Before(self.before), Cursor::After)
    }

    async fn page(&self, app: &App, caller: &Caller) -> EventPage {
        let limit = self.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
        visible_page(app, caller, self.query.clone(), self.place(), limit).await
    }
}

/// The only way from the history to a client.
async fn visible_page(app: &App, caller: &Caller, query: EventQuery, place: Cursor, limit: usize) -> EventPage {
    let page = app.history.page(caller.visible(query), place, limit).await;
    EventPage { events: page.events.iter().filter_map(|event| caller.see(event)).collect(), ..page }
}

/// The page of events that an address requests.
pub async fn event_page(app: &App, caller: &Caller, address: &[(String, String)]) -> Result<EventPage, ActionError> {
    let query = EventsQuery::read(address, app.clock.now());
    let query = query.map_err(|error| ActionError::new(ErrorKind::Invalid, Message::verbatim(error)))?;
    Ok(query.page(app, caller).await)
}

/// `GET /api/events`: one page, or all events as a file.
pub async fn events(State(app): State<App>, caller: Caller, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    let now = app.clock.now();
    let query = match EventsQuery::read(&pairs, now) {
        Ok(query) => query,
        Err(error) => {
            return Problem::new(StatusCode::BAD_REQUEST, "Invalid request", Message::verbatim(error)).into_response();
        }
    };
    if query.format != Format::Page {
        return file(app, caller, query, now);
    }
    let page = query.page(&app, &caller).await;
    match query.asked.encoding() {
        Encoding::Json => ([(header::CACHE_CONTROL, "no-store")], Json(page)).into_response(),
        Encoding::Postcard => binary_answer(postcard::to_allocvec(&page).expect("pages have a known length")),
    }
}

fn file(app: App, caller: Caller, query: EventsQuery, now: Timestamp) -> Response {
    let (kind, end) = match query.format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        _ => ("application/x-ndjson", "ndjson"),
    };
    let stamp: String = now.to_whole_seconds().to_string().chars().filter(|it| *it != ':').collect();
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"quaylight-events-{stamp}.{end}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, streamed(lines(app, caller, query))).into_response()
}

/// Streams page by page, each after the previous one is on its way: a year of events is never in memory at once.
fn lines(app: App, caller: Caller, query: EventsQuery) -> impl Stream<Item = Result<String, Infallible>> {
    let place = query.place();
    let left = query.limit.unwrap_or(usize::MAX);
    let heading = if query.format == Format::Csv { CSV_HEADING.to_owned() } else { String::new() };
    stream::unfold(Some((app, caller, query, place, left, heading)), async |state| {
        let (app, caller, query, place, left, mut text) = state?;
        let page = visible_page(&app, &caller, query.query.clone(), place, left.min(LONGEST_PAGE)).await;
        for event in &page.events {
            match query.format {
                Format::Csv => csv(&mut text, event),
                _ => text.push_str(&serde_json::to_string(event).unwrap_or_default()),
            }
            text.push('\n');
        }
        let left = left - page.events.len();
        let next = page.events.last().filter(|_| page.more && left > 0).map(|last| match place {
            Cursor::Before(_) => Cursor::Before(Some(last.seq)),
            Cursor::After(_) => Cursor::After(last.seq),
        });
        Some((Ok(text), next.map(|place| (app, caller, query, place, left, String::new()))))
    })
}

const CSV_HEADING: &str = "time,host,kind,action,id,name,project,exit_code,actor,error,attributes\n";

/// Appends one row without its line break.
fn csv(text: &mut String, event: &Event) {
    let exit_code = event.exit_code().map(|code| code.to_string()).unwrap_or_default();
    let attributes = serde_json::to_string(&event.attributes).unwrap_or_default();
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        event.time.to_string(),
        event.host.to_string(),
        event.kind.clone(),
        event.action.clone(),
        event.id.clone(),
        event.name.clone(),
        or_empty(&event.project),
        exit_code,
        or_empty(&event.actor),
        event.error.as_ref().map(ToString::to_string).unwrap_or_default(),
        attributes,
    ];
    for (at, cell) in cells.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // A spreadsheet would run a cell that begins with these characters as a formula, and names are chosen by the user who
        // creates the container.
        let guard = if cell.starts_with(['=', '+', '-', '@', '\t']) && cell.parse::<i64>().is_err() { "'" } else { "" };
        let _ = if cell.contains([',', '"', '\n', '\r']) {
            write!(text, "{comma}\"{guard}{}\"", cell.replace('"', "\"\""))
        } else {
            write!(text, "{comma}{guard}{cell}")
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::auth::Auth;
    use crate::{
        model::{HostId, Labels},
        server::{
            clock::Clock,
            history::{Limits, Settings},
        },
    };
    use axum::http::HeaderMap;
    use std::net::{IpAddr, Ipv4Addr};

    const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn event(name: &str) -> Event {
        let mut attributes = Labels::default();
        attributes.insert("exitCode".into(), "-1".into());
        Event {
            seq: 0,
            host: HostId::new("local").unwrap(),
            time: Timestamp::from_seconds(0),
            kind: "container".into(),
            action: "die".into(),
            id: "0123456789ab".into(),
            name: name.into(),
            project: None,
            actor: None,
            error: Some(Message::verbatim("no, \"really\"")),
            message: None,
            attributes,
        }
    }

    async fn history() -> History {
        let limits = Limits::default();
        History::start(Settings { folder: None, limits, retry: Settings::RETRY }, Clock::SYSTEM).await
    }

    #[tokio::test]
    async fn lagging_listener_receives_the_skipped_count() {
        let history = history().await;
        let caller = Auth::None.caller(&HeaderMap::new(), LOCALHOST, LOCALHOST).unwrap();
        history.record(event("before"));
        let mut listener = Listener::new(history.clone(), caller);
        assert_eq!(listener.begin().events.len(), 1);
        for number in 0..3_000 {
            history.record(event(&number.to_string()));
        }
        let first = listener.next().await;
        assert_eq!(first.event.name, first.skipped.to_string());
        assert!(first.skipped > 1_000, "{}", first.skipped);
        assert_eq!(listener.next().await.skipped, 0);
    }

    #[test]
    fn csv_cell_is_quoted_and_never_a_formula() {
        let mut text = String::new();
        csv(&mut text, &event("=cmd|x"));
        assert_eq!(
            text,
            r#"1970-01-01T00:00:00Z,local,container,die,0123456789ab,'=cmd|x,,-1,,"no, ""really""","{""exitCode"":""-1""}""#
        );
        assert_eq!(CSV_HEADING.split(',').count(), 11);
    }
}
