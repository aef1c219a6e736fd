//! Limits attempts to sign in, by address and by account.
//!
//! After a few failures, an address waits longer after each one. An account with many failures is closed only to addresses that
//! have failed: its owner, elsewhere, still gets in.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Failures before an address has to wait.
const FREE: u32 = 5;

/// The first wait. Each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Failures of an account that close it to addresses that have failed, for [`LONGEST_WAIT`].
const MOST_OF_ACCOUNT: u32 = 50;

/// Time without a failure after which the previous ones no longer count.
const FORGIVEN_AFTER: Duration = Duration::from_secs(3_600);

/// Tracked addresses, and tracked accounts. More replace those whose last failure is the oldest.
const MOST: usize = 10_000;

#[derive(Default)]
pub struct Throttle(Mutex<Failures>);

#[derive(Default)]
struct Failures {
    addresses: HashMap<IpAddr, Count>,
    accounts: HashMap<String, Count>,
}

#[derive(Clone, Copy)]
struct Count {
    failures: u32,
    last: Duration,
}

/// An attempt that may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// The address has failed before.
    pub is_suspect: bool,
}

/// The wait before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany(pub Duration);

impl Throttle {
    /// Counts an attempt as a failure until [`Self::succeeded`] takes it back, so that simultaneous attempts count too. Times
    /// are of the steady clock.
    pub fn begin(&self, address: IpAddr, account: &str, now: Duration) -> Result<Allowed, TooMany> {
        let address = network(address);
        let mut failures = self.lock();
        let of_address = current(&failures.addresses, &address, now);
        let of_account = current(&failures.accounts, account, now);
        let is_suspect = of_address.is_some();
        let waits = of_address.map(|it| it.wait()).into_iter().chain(
            of_account.filter(|it| is_suspect && it.failures >= MOST_OF_ACCOUNT).map(|it| it.last + LONGEST_WAIT),
        );
        if let Some(until) = waits.max().filter(|until| *until > now) {
            return Err(TooMany(until - now));
        }
        add(&mut failures.addresses, address, of_address, now);
        add(&mut failures.accounts, account.to_owned(), of_account, now);
        Ok(Allowed { is_suspect })
    }

    /// The password was right: forgives the address, and takes back the attempt on the account.
    pub fn succeeded(&self, address: IpAddr, account: &str) {
        let mut failures = self.lock();
        failures.addresses.remove(&network(address));
        take_back(&mut failures.accounts, account);
    }

    /// The password was right, but the sign-in needs a code, too: takes the attempt back, and forgives no earlier one.
    pub fn continues(&self, address: IpAddr, account: &str) {
        let mut failures = self.lock();
        take_back(&mut failures.addresses, &network(address));
        take_back(&mut failures.accounts, account);
    }

    fn lock(&self) -> MutexGuard<'_, Failures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    /// The time until which the address has to wait.
    fn wait(self) -> Duration {
        match wait_after(self.failures) {
            Duration::ZERO => Duration::ZERO,
            wait => self.last + wait,
        }
    }
}

/// The wait after this many failures.
pub fn wait_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(further) => FIRST_WAIT.saturating_mul(1 << further.min(16)).min(LONGEST_WAIT),
    }
}

fn current<K: Hash + Eq + Borrow<Q>, Q: Hash + Eq + ?Sized>(
    counts: &HashMap<K, Count>,
    key: &Q,
    now: Duration,
) -> Option<Count> {
    counts.get(key).copied().filter(|it| it.failures > 0 && now < it.last + FORGIVEN_AFTER)
}

fn take_back<K: Hash + Eq + Borrow<Q>, Q: Hash + Eq + ?Sized>(counts: &mut HashMap<K, Count>, key: &Q) {
    if let Some(count) = counts.get_mut(key) {
        count.failures = count.failures.saturating_sub(1);
    }
}

fn add<K: Hash + Eq + Clone>(counts: &mut HashMap<K, Count>, key: K, before: Option<Count>, now: Duration) {
    if counts.len() >= MOST && !counts.contains_key(&key) {
        counts.retain(|_, it| now < it.last + FORGIVEN_AFTER);
        if counts.len() >= MOST
            && let Some(oldest) = counts.iter().min_by_key(|(_, it)| it.last).map(|(key, _)| key.clone())
        {
            counts.remove(&oldest);
        }
    }
    let failures = before.map_or(0, |it| it.failures).saturating_add(1);
    counts.insert(key, Count { failures, last: now });
}

/// Returns the address under which a client is counted. An IPv6 client has a network of 64 bits to itself.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_address_waits_longer_after_each_failure_and_is_forgiven() {
        let throttle = Throttle::default();
        let attempt = |at| throttle.begin(A, "anna", seconds(at));
        for number in 0..FREE {
            assert_eq!(attempt(0), Ok(Allowed { is_suspect: number > 0 }));
        }
        assert_eq!(attempt(0), Err(TooMany(seconds(1))));
        assert!(attempt(1).is_ok());
        assert_eq!(attempt(1), Err(TooMany(seconds(2))));
        assert!(attempt(3).is_ok());
        assert_eq!(attempt(3), Err(TooMany(seconds(4))));
        assert_eq!(attempt(3 + 3_600), Ok(Allowed { is_suspect: false }));
        throttle.succeeded(A, "anna");
        assert_eq!(attempt(4_000), Ok(Allowed { is_suspect: false }));
    }

    #[test]
    fn an_attacked_account_stays_open_to_addresses_without_failures() {
        let throttle = Throttle::default();
        let address = |number: u8| IpAddr::from([198, 51, 100, number]);
        for number in 0..50 {
            assert!(throttle.begin(address(number), "anna", seconds(0)).is_ok());
        }
        assert_eq!(throttle.begin(address(1), "anna", seconds(1)), Err(TooMany(seconds(299))));
        assert!(throttle.begin(address(1), "ben", seconds(1)).is_ok(), "another account");
        assert_eq!(throttle.begin(A, "anna", seconds(1)), Ok(Allowed { is_suspect: false }));
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one_and_the_number_is_limited() {
        let throttle = Throttle::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(throttle.begin(address("2001:db8::1"), "anna", seconds(0)).is_ok());
        let same = throttle.begin(address("2001:db8::ffff"), "anna", seconds(0));
        assert_eq!(same, Ok(Allowed { is_suspect: true }));
        let mapped = throttle.begin(address("::ffff:192.0.2.1"), "anna", seconds(0));
        assert_eq!(mapped, Ok(Allowed { is_suspect: false }));
        assert_eq!(throttle.begin(A, "anna", seconds(0)), Ok(Allowed { is_suspect: true }));
        for number in 0..u32::try_from(MOST).unwrap() + 10 {
            let _ = throttle.begin(IpAddr::from(number.to_be_bytes()), &number.to_string(), seconds(1));
        }
        let failures = throttle.lock();
        assert_eq!((failures.addresses.len(), failures.accounts.len()), (MOST, MOST));
    }
}
