//! Brings each notification to each channel, once, in order, and again and again where it does not get through.
//!
//! A channel is a lane of its own: while one waits for a server that is away, the others go on.

use super::{Channel, DeliveryId, Notification, NotifyError, Outbound};
use crate::server::clock::Clock;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, sleep_until},
};

/// Notifications that wait to be looked at, which takes no time.
const INBOX: usize = 256;

/// Notifications that wait for one channel. Of more the oldest go.
const MOST_WAITING: usize = 64;

/// What waited longer is no news.
const TOO_OLD: Duration = Duration::from_secs(60 * 60);

/// Outcomes kept for listeners that are behind.
const OUTCOMES: usize = 256;

/// A channel by the name that people gave it, which tells it from the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    pub name: String,
    pub channel: Channel,
}

/// What has become of a notification on its way to one channel.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub channel: String,
    pub notification: Arc<Notification>,
    pub tries: u32,
    pub result: Result<(), NotifyError>,
}

/// How often, and after which waits.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    pub most: u32,
    /// The first wait is up to this, each further one up to twice the one before.
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Retries {
    /// About seven minutes in the middle, fourteen at most.
    fn default() -> Self {
        Self { most: 10, first: Duration::from_secs(2), longest: Duration::from_secs(5 * 60) }
    }
}

impl Retries {
    /// After so many tries in vain. All of the wait is random, so that what failed together does not come back together
    /// ("full jitter").
    fn wait(&self, tries: u32, random: f64) -> Duration {
        let whole = self.first.saturating_mul(1 << (tries.max(1) - 1).min(20)).min(self.longest);
        whole.mul_f64(random)
    }
}

/// Where to hand notifications in. Cheap to clone.
#[derive(Clone)]
pub struct Courier {
    orders: mpsc::Sender<Order>,
    outcomes: broadcast::Sender<Outcome>,
    outbound: Outbound,
    clock: Clock,
}

struct Order {
    notification: Arc<Notification>,
    to: Arc<Addressee>,
}

type Deliver = dyn Fn(&Order, DeliveryId) -> BoxFuture<'static, Result<(), NotifyError>> + Send + Sync;

/// The one task that delivers.
pub struct Rounds {
    orders: mpsc::Receiver<Order>,
    outcomes: broadcast::Sender<Outcome>,
    retries: Retries,
    deliver: Box<Deliver>,
    /// By the channel's name. One is there for as long as something waits in it.
    lanes: BTreeMap<String, Lane>,
    under_way: FuturesUnordered<BoxFuture<'static, (String, Result<(), NotifyError>)>>,
}

struct Lane {
    /// The first is being delivered, or waits for its next try.
    waiting: VecDeque<Delivery>,
    /// None while a try is under way.
    next_try: Option<Instant>,
}

struct Delivery {
    order: Order,
    id: DeliveryId,
    tries: u32,
    accepted: Instant,
}

impl Courier {
    /// Nothing is delivered but by the [`Rounds`], which somebody has to run.
    pub fn open(outbound: Outbound, clock: Clock, retries: Retries) -> (Self, Rounds) {
        let way = outbound.clone();
        let deliver = move |order: &Order, id| {
            let (way, to, notification) = (way.clone(), order.to.clone(), order.notification.clone());
            async move { to.channel.send(&notification, id, &way).await }.boxed()
        };
        Self::with(outbound, clock, retries, Box::new(deliver))
    }

    fn with(outbound: Outbound, clock: Clock, retries: Retries, deliver: Box<Deliver>) -> (Self, Rounds) {
        let (orders, inbox) = mpsc::channel(INBOX);
        let outcomes = broadcast::Sender::new(OUTCOMES);
        let rounds = Rounds {
            orders: inbox,
            outcomes: outcomes.clone(),
            retries,
            deliver,
            lanes: BTreeMap::new(),
            under_way: FuturesUnordered::new(),
        };
        (Self { orders, outcomes, outbound, clock }, rounds)
    }

    /// Never waits. What becomes of it is told as one outcome for each channel.
    pub fn send(&self, notification: Notification, to: &[Arc<Addressee>]) {
        let notification = Arc::new(notification);
        for to in to {
            let order = Order { notification: notification.clone(), to: to.clone() };
            if let Err(error) = self.orders.try_send(order) {
                let order = error.into_inner();
                tell(&self.outcomes, order, 0, Err(NotifyError::TooMany));
            }
        }
    }

    /// A test message, at once and once.
    pub async fn test(&self, channel: &Channel) -> Result<(), NotifyError> {
        let notification = Notification::test(self.clock.now());
        channel.send(&notification, DeliveryId::random(), &self.outbound).await
    }

    /// From now on.
    pub fn outcomes(&self) -> broadcast::Receiver<Outcome> {
        self.outcomes.subscribe()
    }
}

impl Rounds {
    /// Until the last courier is gone. What waits then is lost.
    pub async fn run(mut self) {
        loop {
            let next_try = self.lanes.values().filter_map(|lane| lane.next_try).min();
            tokio::select! {
                biased;
                // A try has ended.
                Some((name, result)) = self.under_way.next(), if !self.under_way.is_empty() => self.on_ended(name, result),
                // Somebody has waited long enough.
                () = sleep_until(next_try.unwrap_or_else(Instant::now)), if next_try.is_some() => self.on_time(),
                order = self.orders.recv() => match order {
                    Some(order) => self.on_order(order),
                    None => break,
                },
            }
        }
        let lost: usize = self.lanes.values().map(|lane| lane.waiting.len()).sum();
        if lost > 0 {
            tracing::warn!(lost, "notifications were still on their way");
        }
    }

    fn on_order(&mut self, order: Order) {
        let name = order.to.name.clone();
        let delivery = Delivery { order, id: DeliveryId::random(), tries: 0, accepted: Instant::now() };
        if let Some(lane) = self.lanes.get_mut(&name) {
            if lane.waiting.len() == MOST_WAITING {
                // Not the first: it may be arriving this very moment.
                let Delivery { order, tries, .. } = lane.waiting.remove(1).expect("there are many");
                tell(&self.outcomes, order, tries, Err(NotifyError::TooMany));
            }
            lane.waiting.push_back(delivery);
        } else {
            self.lanes.insert(name.clone(), Lane { waiting: VecDeque::from([delivery]), next_try: None });
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
        let lane = self.lanes.get_mut(name).expect("a lane is there while something waits in it");
        let delivery = lane.waiting.front_mut().expect("a lane is there while something waits in it");
        delivery.tries += 1;
        lane.next_try = None;
        let (work, name) = ((self.deliver)(&delivery.order, delivery.id), name.to_owned());
        self.under_way.push(async move { (name, work.await) }.boxed());
    }

    fn on_ended(&mut self, name: String, result: Result<(), NotifyError>) {
        let lane = self.lanes.get_mut(&name).expect("what is under way is the first of its lane");
        let first = lane.waiting.pop_front().expect("what is under way is the first of its lane");
        match result {
            Err(error) if error.may_pass() && first.tries < self.retries.most => {
                let wait = self.retries.wait(first.tries, rand::random());
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                tracing::info!(channel = name, tries = first.tries, wait_ms, %error, "a notification did not get through");
                lane.next_try = Some(Instant::now() + wait);
                return lane.waiting.push_front(first);
            }
            result => tell(&self.outcomes, first.order, first.tries, result),
        }
        while let Some(old) = lane.waiting.pop_front_if(|it| it.accepted.elapsed() > TOO_OLD) {
            tell(&self.outcomes, old.order, old.tries, Err(NotifyError::TooOld));
        }
        if lane.waiting.is_empty() {
            self.lanes.remove(&name);
        } else {
            self.try_first(&name);
        }
    }
}

fn tell(outcomes: &broadcast::Sender<Outcome>, order: Order, tries: u32, result: Result<(), NotifyError>) {
    let Order { notification, to } = order;
    let (channel, place) = (to.name.clone(), to.channel.place());
    match &result {
        Ok(()) => tracing::info!(channel, place, tries, rule = notification.rule, "notified"),
        Err(error) => tracing::warn!(channel, place, tries, rule = notification.rule, %error, "a notification is lost"),
    }
    // Nobody listens, or somebody does.
    let _ = outcomes.send(Outcome { channel, notification, tries, result });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use std::sync::Mutex;
    use tokio::task::JoinHandle;

    /// Which channel was tried with what, and how long after the start.
    type Tried = Arc<Mutex<Vec<(String, String, Duration)>>>;

    struct World {
        courier: Courier,
        outcomes: broadcast::Receiver<Outcome>,
        tried: Tried,
        rounds: JoinHandle<()>,
    }

    /// Deliveries end as `answer` says to the channel's name and the number of its tries so far.
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
        let (courier, rounds) = Courier::with(outbound, clock, Retries::default(), Box::new(deliver));
        World { outcomes: courier.outcomes(), courier, tried, rounds: tokio::spawn(rounds.run()) }
    }

    impl World {
        fn send(&self, title: &str, to: &[&str]) {
            let url = "http://127.0.0.1:9/".parse().unwrap();
            let channel = Channel::Webhook(super::super::Webhook { url, token: None });
            let to: Vec<_> =
                to.iter().map(|name| Arc::new(Addressee { name: (*name).into(), channel: channel.clone() })).collect();
            self.courier.send(Notification { title: title.into(), ..Notification::test(Timestamp::default()) }, &to);
        }

        /// Channel, title, tries, and whether it arrived.
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
    async fn what_fails_is_tried_again_until_it_arrives_and_then_never_more() {
        let mut world = world(|_, before| if before < 3 { away() } else { Ok(()) });
        world.send("down", &["a"]);
        assert_eq!(world.outcome().await, arrived("a", "down", 4));
        world.send("up", &["a"]);
        assert_eq!(world.outcome().await, arrived("a", "up", 1));
        assert_eq!(world.tried("a"), ["down", "down", "down", "down", "up"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_channel_holds_up_nobody_and_is_given_up_in_the_end() {
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
    async fn what_can_never_work_is_not_tried_again() {
        let mut world = world(|_, _| Err(NotifyError::Settings("no".into())));
        world.send("one", &["a"]);
        assert_eq!(world.outcome().await, ("a".into(), "one".into(), 1, false));
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_the_oldest_are_given_up_and_told_of() {
        let mut world = world(|_, _| away());
        for number in 0..=MOST_WAITING {
            world.send(&number.to_string(), &["dead"]);
            tokio::task::yield_now().await;
        }
        let lost = world.outcomes.recv().await.unwrap();
        assert_eq!((lost.notification.title.as_str(), lost.result), ("1", Err(NotifyError::TooMany)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_waited_for_an_hour_is_no_news() {
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
        assert!(!world.rounds.is_finished());
    }

    #[test]
    fn waits_double_up_to_the_longest_and_are_random_all_the_way() {
        let retries = Retries::default();
        let longest: Vec<_> = (1..=10).map(|tries| retries.wait(tries, 1.0).as_secs()).collect();
        assert_eq!(longest, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(retries.wait(3, 0.0), Duration::ZERO);
        assert_eq!(retries.wait(u32::MAX, 0.5).as_secs(), 150);
    }
}
