//! Notices sent to all users. The latest are kept and numbered, so that each is shown once.

use crate::wire::Notice;
use std::collections::VecDeque;

/// More at once would hide the page.
const KEPT: usize = 3;

#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// The number of all notices received.
    pub count: u64,
    latest: VecDeque<Notice>,
}

impl Notices {
    pub fn on_message(&mut self, notice: Notice) {
        self.count += 1;
        if self.latest.len() == KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(notice);
    }

    /// The notices received after the first `seen`, as far as they are kept.
    pub fn since(&self, seen: u64) -> impl Iterator<Item = &Notice> {
        let new = usize::try_from(self.count - seen).unwrap_or(usize::MAX);
        self.latest.iter().skip(self.latest.len().saturating_sub(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Severity, Timestamp};

    #[test]
    fn each_notice_is_shown_once() {
        let mut notices = Notices::default();
        let texts = |notices: &Notices, seen| notices.since(seen).map(|it| it.text.to_string()).collect::<String>();
        for text in ["a", "b"] {
            let (level, at, alert) = (Severity::Info, Timestamp::default(), None);
            notices.on_message(Notice { level, text: crate::model::Message::verbatim(text), at, alert });
        }
        assert_eq!((texts(&notices, 0), texts(&notices, 1), texts(&notices, 2)), ("ab".into(), "b".into(), "".into()));
    }
}
