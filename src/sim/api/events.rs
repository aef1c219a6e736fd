//! `/events`: a stream with one line per event, sent at once.

use super::{
    answer::{Answer, with_body},
    api_request::ApiRequest,
    fault_injection::{cut, flushed},
};
use crate::sim::{
    Sim,
    events::{EmittedEvent, Filters, Line},
    faults::Kind,
    time::{self, Nanos},
    world::Refusal,
};
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use futures::stream;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, sleep_until},
};

pub fn events(sim: &Arc<Sim>, request: &ApiRequest) -> Answer {
    let filter = request.filters()?;
    let (since, until) = (time(request, "since")?, time(request, "until")?);
    let (remembered, coming) = sim.stage().journal.subscribe(since, until);
    let subscriber = Subscriber { remembered: remembered.into(), coming, filter, until: until.map(deadline) };
    let lines = stream::unfold((sim.clone(), subscriber, false), |(sim, mut subscriber, broken)| async move {
        if broken {
            flushed().await;
            return Some((Err(cut()), (sim, subscriber, true)));
        }
        let line = subscriber.next().await?;
        sim.faults.end_of_silence().await;
        let broken = sim.faults.strike_request(&[Kind::Half], "GET", "/events").is_some();
        let line = if broken { line.slice(..line.len() / 2) } else { line };
        Some((Ok(line), (sim, subscriber, broken)))
    });
    Ok(with_body(StatusCode::OK, "application/json", Body::from_stream(lines)))
}

struct Subscriber {
    remembered: VecDeque<Arc<EmittedEvent>>,
    coming: UnboundedReceiver<Line>,
    filter: Filters,
    until: Option<Instant>,
}

impl Subscriber {
    /// Returns None at the end: `until` has passed, or the engine closed the stream.
    async fn next(&mut self) -> Option<Bytes> {
        while let Some(event) = self.remembered.pop_front() {
            if self.filter.matches(&event) {
                return Some(line(&event));
            }
        }
        loop {
            let until = self.until;
            let over = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            let next = tokio::select! {
                biased;
                () = over => None,
                next = self.coming.recv() => next,
            };
            match next? {
                Line::Event(event) if !self.filter.matches(&event) => {}
                Line::Event(event) => return Some(line(&event)),
                Line::Raw(bytes) => return Some(bytes.into()),
            }
        }
    }
}

fn line(event: &EmittedEvent) -> Bytes {
    let mut text = serde_json::to_vec(event).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

fn time(request: &ApiRequest, name: &str) -> Result<Option<Nanos>, Refusal> {
    match request.query(name) {
        "" => Ok(None),
        text => time::parse(text).map(Some).ok_or_else(|| Refusal::invalid(format!("invalid {name}: {text}"))),
    }
}

fn deadline(until: Nanos) -> Instant {
    let left = u64::try_from(until - time::now()).unwrap_or(0);
    Instant::now() + Duration::from_nanos(left)
}
