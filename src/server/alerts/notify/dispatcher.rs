//! Dispatcher: delivers each notification to each channel once and in order, and retries with backoff on failure.
//!
//! Each channel has its own queue: while one waits for an unreachable server, the others go on.

use super::{Channel, DeliveryId, Notification, NotifyError, Outbound};
use crate::{
    model::ChannelKind,
    server::{clock::Clock, metrics::Counter},
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, sleep_until},
};

/// Notifications waiting to be put into the queues of their channels, which takes no time.
const INBOX: usize = 256;

/// Notifications queued for one channel. Beyond this the oldest are dropped.
const MOST_WAITING: usize = 64;

/// A notification that waited longer is dropped as stale.
const TOO_OLD: Duration = Duration::from_secs(60 * 60);

/// Outcomes buffered for slow receivers.
const OUTCOMES: usize = 256;

/// A channel with its name, which is unique among channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    pub name: String,
    pub channel: Channel,
}

/// The result of delivering a notification to one channel.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub channel: String,
    pub notification: Arc<Notification>,
    pub tries: u32,
    pub result: Result<(), NotifyError>,
}

/// Retry policy: the number of tries and the backoff between them.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    pub most: u32,
    /// The first wait is at most this long; each later limit is twice the one before, up to `longest`.
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Retries {
    /// All waits add up to about seven minutes on average, fourteen at most.
    fn default() -> Self {
        Self { most: 10, first: Duration::from_secs(2), longest: Duration::from_secs(5 * 60) }
    }
}

impl Retries {
    /// The wait after this many failed tries. All of it is random ("full jitter"), so that deliveries that failed together are
    /// not retried together.
    fn wait(&self, tries: u32, random: f64) -> Duration {
        let whole = self.first.saturating_mul(1 << (tries.max(1) - 1).min(20)).min(self.longest);
        whole.mul_f64(random)
    }
}

/// Handle to submit notifications. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    orders: mpsc::Sender<Order>,
    outcomes: Arc<Outcomes>,
    outbound: Outbound,
    clock: Clock,
}

type Tell = dyn Fn(&Outcome) + Send + Sync;

/// Where the results of deliveries are reported.
struct Outcomes {
    listeners: broadcast::Sender<Outcome>,
    metrics: DeliveryMetrics,
    /// Called for each lost notification. A callback, not a channel: a full channel would lose it a second time.
    when_lost: OnceLock<Box<Tell>>,
}

/// Notifications since the start, by the kind of their channel.
#[derive(Debug, Default)]
pub struct DeliveryMetrics {
    delivered: [Counter; ChannelKind::ALL.len()],
    lost: [Counter; ChannelKind::ALL.len()],
}

impl DeliveryMetrics {
    pub fn delivered(&self, kind: ChannelKind) -> u64 {
        self.delivered[kind as usize].get()
    }

    /// Permanently refused, given up after the last try, or dropped from a queue.
    pub fn lost(&self, kind: ChannelKind) -> u64 {
        self.lost[kind as usize].get()
    }
}

struct Order {
    notification: Arc<Notification>,
    to: Arc<Recipient>,
}

type Deliver = dyn Fn(&Order, DeliveryId) -> BoxFuture<'static, Result<(), NotifyError>> + Send + Sync;

/// The task that delivers notifications.
pub struct DispatcherTask {
    orders: mpsc::Receiver<Order>,
    outcomes: Arc<Outcomes>,
    retries: Retries,
    deliver: Box<Deliver>,
    /// By the channel's name. A lane exists for as long as its queue is not empty.
    lanes: BTreeMap<String, ChannelQueue>,
    under_way: FuturesUnordered<BoxFuture<'static, (String, Result<(), NotifyError>)>>,
}

struct ChannelQueue {
    /// The first is being delivered, or waits for its next try.
    waiting: VecDeque<Delivery>,
    /// `None` while a try is in progress.
    next_try: Option<Instant>,
}

struct Delivery {
    order: Order,
    id: DeliveryId,
    tries: u32,
    accepted: Instant,
}

impl Dispatcher {
    /// Only the returned [`DispatcherTask`] delivers notifications: the caller has to run it.
    pub fn open(outbound: Outbound, clock: Clock, retries: Retries) -> (Self, DispatcherTask) {
        let way = outbound.clone();
        let deliver = move |order: &Order, id| {
            let (way, to, notification) = (way.clone(), order.to.clone(), order.notification.clone());
            async move { to.channel.send(&notification, id, &way).await }.boxed()
        };
        Self::with(outbound, clock, retries, Box::new(deliver))
    }

    fn with(outbound: Outbound, clock: Clock, retries: Retries, deliver: Box<Deliver>) -> (Self, DispatcherTask) {
        let (orders, inbox) = mpsc::channel(INBOX);
        let outcomes = Outcomes {
            listeners: broadcast::Sender::new(OUTCOMES),
            metrics: DeliveryMetrics::default(),
            when_lost: OnceLock::new(),
        };
        let outcomes = Arc::new(outcomes);
        let dispatcher_task = DispatcherTask {
            orders: inbox,
            outcomes: outcomes.clone(),
            retries,
            deliver,
            lanes: BTreeMap::new(),
            under_way: FuturesUnordered::new(),
        };
        (Self { orders, outcomes, outbound, clock }, dispatcher_task)
    }

    /// Never waits. Emits one outcome for each channel.
    pub fn send(&self, notification: Notification, to: &[Arc<Recipient>]) {
        let notification = Arc::new(notification);
        for to in to {
            let order = Order { notification: notification.clone(), to: to.clone() };
            if let Err(error) = self.orders.try_send(order) {
                let order = error.into_inner();
                self.outcomes.tell(order, 0, Err(NotifyError::TooMany));
            }
        }
    }

    /// Sets the callback for notifications lost from now on. Only the first call has an effect.
    pub fn when_lost(&self, tell: impl Fn(&Outcome) + Send + Sync + 'static) {
        let _ = self.outcomes.when_lost.set(Box::new(tell));
    }

    pub fn metrics(&self) -> &DeliveryMetrics {
        &self.outcomes.metrics
    }

    /// Sends a test message at once, without retries.
    pub async fn test(&self, channel: &Channel) -> Result<(), NotifyError> {
        let notification = Notification::test(self.clock.now());
        channel.send(&notification, DeliveryId::random(), &self.outbound).await
    }

    /// Subscribes to outcomes from now on.
    pub fn outcomes(&self) -> broadcast::Receiver<Outcome> {
        self.outcomes.listeners.subscribe()
    }
}

impl DispatcherTask {
    /// Runs until the last dispatcher is dropped, or the task itself is. Notifications still queued then are reported as lost.
    pub async fn run(mut self) {
        loop {
            let next_try = self.lanes.values().filter_map(|lane| lane.next_try).min();
            tokio::select! {
                biased;
                // A try has ended.
                Some((name, result)) = self.under_way.next(), if !self.under_way.is_empty() => self.on_ended(name, result),
                // A retry is due.
                () = sleep_until(next_try.unwrap_or_else(Instant::now)), if next_try.is_some() => self.on_time(),
                order = self.orders.recv() => match order {
                    Some(order) => self.on_order(order),
                    None => break,
                },
            }
        }
    }

    fn on_order(&mut self, order: Order) {
        let name = order.to.name.clone();
        let delivery = Delivery { order, id: DeliveryId::random(), tries: 0, accepted: Instant::now() };
        if let Some(lane) = self.lanes.get_mut(&name) {
            if lane.waiting.len() == MOST_WAITING {
                // Not the first: its delivery may be in progress.
                let Delivery { order, tries, .. } = lane.waiting.remove(1).expect("the queue is full");
                self.outcomes.tell(order, tries, Err(NotifyError::TooMany));
            }
            lane.waiting.push_back(delivery);
        } else {
            self.lanes.insert(name.clone(), ChannelQueue { waiting: VecDeque::from([delivery]), next_try: None });
            self.try_first(&name);
        }
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        let due = self.lanes.iter().filter(|(_, lane)| lane.next_try.is_some_and(|at| at <= now));
        let due: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        due.iter().for_each(|name| self.try_first(name));
    }

    fn try_first(&mut self, name: &str) {
        let lane = self.lanes.get_mut(name).expect("a lane exists while deliveries wait in it");
        let delivery = lane.waiting.front_mut().expect("a lane exists while deliveries wait in it");
        delivery.tries += 1;
        lane.next_try = None;
        let (work, name) = ((self.deliver)(&delivery.order, delivery.id), name.to_owned());
        self.under_way.push(async move { (name, work.await) }.boxed());
    }

    fn on_ended(&mut self, name: String, result: Result<(), NotifyError>) {
        let lane = self.lanes.get_mut(&name).expect("the delivery in progress is the first of its lane");
        let first = lane.waiting.pop_front().expect("the delivery in progress is the first of its lane");
        match result {
            Err(error) if error.may_pass() && first.tries < self.retries.most => {
                let wait = self.retries.wait(first.tries, rand::random());
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                tracing::info!(channel = name, tries = first.tries, wait_ms, %error, "notification failed, will retry");
                lane.next_try = Some(Instant::now() + wait);
                return lane.waiting.push_front(first);
            }
            result => self.outcomes.tell(first.order, first.tries, result),
        }
        while let Some(old) = lane.waiting.pop_front_if(|it| it.accepted.elapsed() > TOO_OLD) {
            self.outcomes.tell(old.order, old.tries, Err(NotifyError::TooOld));
        }
        if lane.waiting.is_empty() {
            self.lanes.remove(&name);
        } else {
            self.try_first(&name);
        }
    }
}

impl Drop for DispatcherTask {
    fn drop(&mut self) {
        self.orders.close();
        let waiting = std::mem::take(&mut self.lanes).into_values().flat_map(|lane| lane.waiting);
        let waiting = waiting.map(|it| (it.order, it.tries));
        let unseen = std::iter::from_fn(|| self.orders.try_recv().ok()).map(|order| (order, 0));
        for (order, tries) in waiting.chain(unseen) {
            self.outcomes.tell(order, tries, Err(NotifyError::Stopped));
        }
    }
}

impl Outcomes {
    fn tell(&self, order: Order, tries: u32, result: Result<(), NotifyError>) {
        let Order { notification, to } = order;
        let (channel, kind, place) = (to.name.clone(), to.channel.kind(), to.channel.place());
        let outcome = Outcome { channel, notification, tries, result };
        let (channel, rule) = (&outcome.channel, &outcome.notification.rule);
        match &outcome.result {
            Ok(()) => {
                tracing::info!(channel, place, tries, rule, "notified");
                self.metrics.delivered[kind as usize].add(1);
            }
            Err(error) => {
                tracing::warn!(channel, place, tries, rule, %error, "notification lost");
                self.metrics.lost[kind as usize].add(1);
                if let Some(tell) = self.when_lost.get() {
                    tell(&outcome);
                }
            }
        }
        // Fails if there is no receiver, which is fine.
        let _ = self.listeners.send(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use std::sync::Mutex;
    use tokio::task::JoinHandle;

    /// Each try: channel, title, and time since the start.
    type Tried = Arc<Mutex<Vec<(String, String, Duration)>>>;

    struct World {
        dispatcher: Dispatcher,
        outcomes: broadcast::Receiver<Outcome>,
        tried: Tried,
        dispatcher_task: JoinHandle<()>,
    }

    /// Deliveries end as `answer` returns for the channel's name and the number of its tries so far.
    fn world(answer: impl Fn(&str, usize) -> Result<(), NotifyError> + Send + Sync + 'static) -> World {
        let (tried, start) = (Tried::default(), Instant::now());
        let its_tried = tried.clone();
        let deliver = move |order: &Order, _| {
            let (name, title) = (order.to.name.clone(), order.notification.title.clone());
            let mut tried = its_tried.lock().unwrap();
            let before = tried.iter().filter(|(it, ..)| *it == name).count();
            let result = answer(&name, before);
            tried.push((name, title, start.elapsed()));
            async { result }.boxed()
        };
        let outbound = Outbound::trusting(Vec::new());
        let clock = Clock::new(Timestamp::default);
        let (dispatcher, dispatcher_task) = Dispatcher::with(outbound, clock, Retries::default(), Box::new(deliver));
        World {
            outcomes: dispatcher.outcomes(),
            dispatcher,
            tried,
            dispatcher_task: tokio::spawn(dispatcher_task.run()),
        }
    }

    impl World {
        fn send(&self, title: &str, to: &[&str]) {
            let url = "http://127.0.0.1:9/".parse().unwrap();
            let channel = Channel::Webhook(super::super::Webhook { url, token: None });
            let to: Vec<_> =
                to.iter().map(|name| Arc::new(Recipient { name: (*name).into(), channel: channel.clone() })).collect();
            self.dispatcher.send(Notification { title: title.into(), ..Notification::test(Timestamp::default()) }, &to);
        }

        /// Channel, title, tries, and whether it was delivered.
        async fn outcome(&mut self) -> (String, String, u32, bool) {
            let it = self.outcomes.recv().await.unwrap();
            (it.channel, it.notification.title.clone(), it.tries, it.result.is_ok())
        }

        fn tried(&self, channel: &str) -> Vec<String> {
            let tried = self.tried.lock().unwrap();
            tried.iter().filter(|(name, ..)| name == channel).map(|(_, title, _)| title.clone()).collect()
        }
    }

    fn away() -> Result<(), NotifyError> {
        Err(NotifyError::Unreachable { place: "there".into(), cause: "connection refused".into() })
    }

    fn arrived(channel: &str, title: &str, tries: u32) -> (String, String, u32, bool) {
        (channel.into(), title.into(), tries, true)
    }

    #[tokio::test(start_paused = true)]
    async fn failed_delivery_is_retried_until_it_succeeds() {
        let mut world = world(|_, before| if before < 3 { away() } else { Ok(()) });
        world.send("down", &["a"]);
        assert_eq!(world.outcome().await, arrived("a", "down", 4));
        world.send("up", &["a"]);
        assert_eq!(world.outcome().await, arrived("a", "up", 1));
        assert_eq!(world.tried("a"), ["down", "down", "down", "down", "up"]);
    }

    #[tokio::test(start_paused = true)]
    async fn dead_channel_delays_no_other_and_stops_after_ten_attempts() {
        let mut world = world(|name, _| if name == "dead" { away() } else { Ok(()) });
        let start = Instant::now();
        for title in ["one", "two"] {
            world.send(title, &["dead", "alive"]);
            assert_eq!(world.outcome().await, arrived("alive", title, 1));
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for title in ["one", "two"] {
            assert_eq!(world.outcome().await, ("dead".into(), title.into(), 10, false));
        }
        assert!(start.elapsed() < Duration::from_secs(2 * 14 * 60), "{:?}", start.elapsed());
        assert_eq!(world.tried("dead").len(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_gets_its_notifications_in_order() {
        let mut world = world(|_, before| if before == 0 { away() } else { Ok(()) });
        world.send("firing", &["a"]);
        world.send("resolved", &["a"]);
        assert_eq!(world.outcome().await, arrived("a", "firing", 2));
        assert_eq!(world.outcome().await, arrived("a", "resolved", 1));
        assert_eq!(world.tried("a"), ["firing", "firing", "resolved"]);
    }

    #[tokio::test(start_paused = true)]
    async fn permanent_failure_is_not_retried() {
        let mut world = world(|_, _| Err(NotifyError::Settings(crate::model::Message::verbatim("no"))));
        world.send("one", &["a"]);
        assert_eq!(world.outcome().await, ("a".into(), "one".into(), 1, false));
    }

    #[tokio::test(start_paused = true)]
    async fn full_queue_drops_and_reports_the_oldest_notification() {
        let mut world = world(|_, _| away());
        for number in 0..=MOST_WAITING {
            world.send(&number.to_string(), &["dead"]);
            tokio::task::yield_now().await;
        }
        let lost = world.outcomes.recv().await.unwrap();
        assert_eq!((lost.notification.title.as_str(), lost.result), ("1", Err(NotifyError::TooMany)));
    }

    #[tokio::test(start_paused = true)]
    async fn notification_older_than_an_hour_is_dropped() {
        let mut world = world(|_, _| away());
        for number in 0..20 {
            world.send(&number.to_string(), &["dead"]);
        }
        let start = Instant::now();
        let mut too_old = 0;
        for _ in 0..20 {
            let lost = world.outcomes.recv().await.unwrap();
            too_old += u32::from(lost.result == Err(NotifyError::TooOld));
        }
        assert!(too_old > 0 && start.elapsed() < Duration::from_secs(60 * 60 + 14 * 60), "{too_old}");
        assert!(!world.dispatcher_task.is_finished());
    }

    #[test]
    fn retry_backoff_doubles_up_to_a_maximum_with_full_jitter() {
        let retries = Retries::default();
        let longest: Vec<_> = (1..=10).map(|tries| retries.wait(tries, 1.0).as_secs()).collect();
        assert_eq!(longest, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(retries.wait(3, 0.0), Duration::ZERO);
        assert_eq!(retries.wait(u32::MAX, 0.5).as_secs(), 150);
    }
}
