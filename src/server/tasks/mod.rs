//! Background tasks: long jobs that run independently of clients, report progress to all of them, and can be cancelled.

mod build;
mod container;
mod prune;
mod report;
mod transfer;

pub use build::build;
pub use report::Report;
pub use transfer::{export, import};

use super::{
    clock::Clock,
    engine::{WritableEngine, context_of},
    registries::Registries,
};
use crate::{
    message,
    model::{HostId, Job, Message, Progress, Task, TaskId, TaskKind, TaskState},
    wire::{ActionError, ErrorKind},
};
use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// Ended tasks that are kept, the latest.
const KEPT: usize = 50;

/// Limit of running tasks. A download is a task, too, and there may be `MOST_TRANSFERS` of those.
const MOST_RUNNING: usize = 256;

/// Idempotency keys of uploads that are remembered.
const MOST_BEGUN: usize = 100;

/// Lines of output kept per task.
const KEPT_LINES: usize = 20_000;

/// Interval of a task's progress reports.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// Cheap to clone.
#[derive(Clone)]
pub struct Tasks(Arc<Inner>);

struct Inner {
    clock: Clock,
    board: Mutex<Board>,
    /// The latest version, for subscribers to catch up with.
    version: watch::Sender<u64>,
}

/// Versions increase with every published change, and never repeat, not even after a restart of the server.
struct Board {
    version: u64,
    entries: BTreeMap<TaskId, Entry>,
    /// The latest idempotency keys of uploads.
    begun: VecDeque<String>,
}

struct Entry {
    task: Task,
    /// All lines that are kept; `task` has the last of them.
    lines: VecDeque<String>,
    /// The version of its latest published change.
    version: u64,
    is_news: bool,
    /// It can't be cancelled any more: what it does would be left half done.
    is_final: bool,
    cancel: Arc<Notify>,
}

/// Description of a new task.
pub struct Start {
    pub host: HostId,
    pub kind: TaskKind,
    pub subject: Message,
    pub actor: String,
}

/// Result of a task.
pub enum Outcome {
    Done(Message),
    Failed(ActionError),
    Cancelled,
}

impl Tasks {
    pub fn new(clock: Clock) -> Self {
        let version = u64::try_from(clock.now().micros()).unwrap_or_default();
        let board = Mutex::new(Board { version, entries: BTreeMap::new(), begun: VecDeque::new() });
        Self(Arc::new(Inner { clock, board, version: watch::Sender::new(version) }))
    }

    /// Spawns a task. It runs until `work` returns a message or an error, or until it is cancelled, which drops `work`. Then
    /// `ended` is called with the outcome. Fails, with the same call, if too many tasks run.
    pub fn start<F>(
        &self,
        start: Start,
        work: impl FnOnce(Report) -> F,
        ended: impl FnOnce(&Outcome) + Send + 'static,
    ) -> Result<TaskId, ActionError>
    where
        F: Future<Output = Result<Message, ActionError>> + Send + 'static,
    {
        let cancel = Arc::new(Notify::new());
        let id = match self.enter(start, cancel.clone()) {
            Ok(id) => id,
            Err(error) => {
                ended(&Outcome::Failed(error.clone()));
                return Err(error);
            }
        };
        let report = Report::new(self.clone(), id);
        let work = work(report);
        let tasks = self.clone();
        tokio::spawn(async move {
            // Also ends the task if the server stops or `work` panics.
            let guard = Unfinished(tasks.clone(), id);
            let mut tell = tokio::time::interval(TELL_EVERY);
            tokio::pin!(work);
            let outcome = loop {
                tokio::select! {
                    biased;
                    () = cancel.notified() => break Outcome::Cancelled,
                    done = &mut work => break done.map_or_else(Outcome::Failed, Outcome::Done),
                    _ = tell.tick() => tasks.tell(id),
                }
            };
            std::mem::forget(guard);
            ended(&outcome);
            tasks.end(id, outcome);
        });
        Ok(id)
    }

    /// Registers an idempotency key. Returns false if it was used before.
    pub fn begins(&self, key: &str) -> bool {
        let mut board = self.board();
        if board.begun.iter().any(|it| it == key) {
            return false;
        }
        if board.begun.len() == MOST_BEGUN {
            board.begun.pop_front();
        }
        board.begun.push_back(key.to_owned());
        true
    }

    /// Requests the cancellation. The task's end is reported later, like any other.
    pub fn cancel(&self, id: TaskId) -> Result<(), ActionError> {
        let refused = |words: Message, hint: Message| Err(ActionError::new(ErrorKind::Conflict, words).hint(hint));
        match self.board().entries.get(&id) {
            Some(entry) if entry.task.state.is_over() => {
                refused(message!("This task has already finished"), message!("Nothing to cancel."))
            }
            Some(entry) if entry.is_final => {
                refused(message!("This task can't be cancelled partway"), message!("It will finish in a moment."))
            }
            Some(entry) => {
                entry.cancel.notify_one();
                Ok(())
            }
            None => refused(message!("Task not found"), message!("It may have finished a while ago.")),
        }
    }

    /// The version, and all tasks, oldest first.
    pub fn all(&self) -> (u64, Vec<Task>) {
        let board = self.board();
        (board.version, board.entries.values().map(|entry| entry.task.clone()).collect())
    }

    /// The first change after `version`.
    pub fn after(&self, version: u64) -> Option<(u64, Task)> {
        let board = self.board();
        let next = board.entries.values().filter(|it| it.version > version).min_by_key(|it| it.version)?;
        Some((next.version, next.task.clone()))
    }

    pub fn version(&self) -> watch::Receiver<u64> {
        self.0.version.subscribe()
    }

    /// All kept lines of its output; `None` if there is no such task.
    pub fn output(&self, id: TaskId) -> Option<Vec<String>> {
        self.board().entries.get(&id).map(|entry| entry.lines.iter().cloned().collect())
    }

    fn enter(&self, start: Start, cancel: Arc<Notify>) -> Result<TaskId, ActionError> {
        let started = self.0.clock.now();
        let mut board = self.board();
        if board.entries.values().filter(|it| !it.task.state.is_over()).count() >= MOST_RUNNING {
            return Err(ActionError::new(
                ErrorKind::Busy,
                message!("{count} tasks are already running", count = MOST_RUNNING),
            )
            .hint(message!("Wait for a task to finish, or cancel one.")));
        }
        let last = board.entries.keys().next_back().map_or(0, |id| id.0);
        let id = TaskId(u64::try_from(started.micros()).unwrap_or_default().max(last + 1));
        let task = Task {
            id,
            host: start.host,
            kind: start.kind,
            subject: start.subject,
            actor: start.actor,
            started,
            ended: None,
            state: TaskState::Running,
            words: message!("Starting"),
            hint: None,
            progress: Progress::default(),
            parts: Vec::new(),
            output: Vec::new(),
            earlier_lines: 0,
        };
        let entry = Entry { task, lines: VecDeque::new(), version: 0, is_news: true, is_final: false, cancel };
        board.entries.insert(id, entry);
        board.forget_old();
        drop(board);
        self.tell(id);
        Ok(id)
    }

    /// Changes a task. The change is published at the next tick.
    fn change(&self, id: TaskId, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.board().entries.get_mut(&id) {
            change(entry);
            entry.is_news = true;
        }
    }

    /// Publishes the task to subscribers, if it has changed.
    fn tell(&self, id: TaskId) {
        let mut board = self.board();
        let version = board.version + 1;
        let Some(entry) = board.entries.get_mut(&id).filter(|it| it.is_news) else { return };
        (entry.version, entry.is_news) = (version, false);
        board.version = version;
        self.0.version.send_replace(version);
    }

    fn end(&self, id: TaskId, outcome: Outcome) {
        let now = self.0.clock.now();
        self.change(id, |Entry { task, .. }| {
            let (state, words, hint) = match outcome {
                Outcome::Done(words) => (TaskState::Done, words, None),
                Outcome::Failed(error) => (TaskState::Failed, error.message, error.hint),
                Outcome::Cancelled => (TaskState::Cancelled, message!("Cancelled"), None),
            };
            (task.ended, task.state, task.words, task.hint) = (Some(now), state, words, hint);
            task.progress.bytes_per_second = 0;
            if state == TaskState::Done {
                task.progress.permille = 1000;
            }
        });
        self.tell(id);
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.board.lock().expect("the lock isn't poisoned")
    }
}

impl Board {
    fn forget_old(&mut self) {
        let over: Vec<TaskId> =
            self.entries.values().filter(|it| it.task.state.is_over()).map(|it| it.task.id).collect();
        for id in &over[..over.len().saturating_sub(KEPT)] {
            self.entries.remove(id);
        }
    }
}

struct Unfinished(Tasks, TaskId);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let error = ActionError::new(ErrorKind::Engine, message!("Interrupted"));
        self.0.end(self.1, Outcome::Failed(error));
    }
}

/// Dependencies of a job.
#[derive(Clone)]
pub struct TaskContext {
    pub engine: WritableEngine,
    pub registries: Registries,
}

/// Runs a job. Returns a message for the user.
pub async fn work(job: Job, context: TaskContext, report: Report) -> Result<Message, ActionError> {
    let TaskContext { engine, registries } = context;
    match job {
        Job::Pull(name, options) => transfer::pull(&engine, &registries, &name, &options, &report).await,
        Job::Push(name) => transfer::push(&engine, &registries, &name, &report).await,
        Job::Build(name, how) => {
            let context = context_of(&how.dockerfile);
            build(&engine, &registries, &name, &how, context, &report).await
        }
        Job::Prune(prune) => prune::prune(&engine, prune, &report).await,
        Job::Create(name, new) => container::create(&engine, &registries, &name, *new, &report).await,
        Job::Recreate(id, spec) => container::recreate(&engine, &registries, &id, *spec, &report).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Start {
        let host = HostId::new("local").unwrap();
        Start { host, kind: TaskKind::Pull, subject: Message::verbatim("web:1"), actor: "local".into() }
    }

    async fn until(tasks: &Tasks, is_so: impl Fn(&[Task]) -> bool) -> Vec<Task> {
        let mut version = tasks.version();
        loop {
            let all = tasks.all().1;
            if is_so(&all) {
                return all;
            }
            version.changed().await.unwrap();
        }
    }

    #[tokio::test]
    async fn task_reports_its_progress_and_outcome() {
        let tasks = Tasks::new(Clock::SYSTEM);
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let work = async |report: Report| {
            report.words(message!("Halfway"));
            gone.await.unwrap();
            Ok(message!("Pulled"))
        };
        tasks.start(start(), work, |_| {}).unwrap();
        let running = until(&tasks, |all| all[0].words == "Halfway").await;
        assert_eq!((running[0].state, running[0].ended), (TaskState::Running, None));
        go.send(()).unwrap();
        let done = until(&tasks, |all| all[0].state.is_over()).await;
        assert_eq!(
            (done[0].state, &done[0].words, done[0].progress.permille),
            (TaskState::Done, &message!("Pulled"), 1000)
        );
    }

    #[tokio::test]
    async fn cancelled_task_is_dropped_and_cancelled_only_once() {
        let tasks = Tasks::new(Clock::SYSTEM);
        let held = Arc::new(());
        let holds = held.clone();
        let work = async |_| {
            let _holds = holds;
            std::future::pending().await
        };
        let id = tasks.start(start(), work, |_| {}).unwrap();
        assert!(tasks.cancel(id).is_ok());
        let all = until(&tasks, |all| all[0].state.is_over()).await;
        assert_eq!(all[0].state, TaskState::Cancelled);
        assert!(tasks.cancel(id).is_err() && tasks.cancel(TaskId(1)).is_err());
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn task_past_its_point_of_no_return_is_not_cancelled() {
        let tasks = Tasks::new(Clock::SYSTEM);
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let work = async |report: Report| {
            report.no_return();
            report.words(message!("Partway"));
            gone.await.unwrap();
            Ok(Message::default())
        };
        let id = tasks.start(start(), work, |_| {}).unwrap();
        until(&tasks, |all| all[0].words == "Partway").await;
        assert!(tasks.cancel(id).unwrap_err().message == "This task can't be cancelled partway");
        go.send(()).unwrap();
        assert_eq!(until(&tasks, |all| all[0].state.is_over()).await[0].state, TaskState::Done);
    }

    #[tokio::test]
    async fn failed_task_has_a_hint_and_a_panic_counts_as_failure() {
        let tasks = Tasks::new(Clock::SYSTEM);
        let failing =
            async |_| Err(ActionError::new(ErrorKind::NotFound, message!("No")).hint(message!("Look elsewhere")));
        tasks.start(start(), failing, |outcome| assert!(matches!(outcome, Outcome::Failed(_)))).unwrap();
        tasks.start(start(), async |_| panic!("in the work"), |_| {}).unwrap();
        let all = until(&tasks, |all| all.iter().all(|it| it.state.is_over())).await;
        let said: Vec<_> = all.iter().map(|it| (it.state, it.words.clone(), it.hint.clone())).collect();
        let expected = [
            (TaskState::Failed, message!("No"), Some(message!("Look elsewhere"))),
            (TaskState::Failed, message!("Interrupted"), None),
        ];
        assert_eq!(said, expected);
    }

    #[tokio::test]
    async fn latest_finished_and_all_running_tasks_are_kept() {
        let tasks = Tasks::new(Clock::SYSTEM);
        let running = tasks.start(start(), async |_| std::future::pending().await, |_| {}).unwrap();
        for _ in 0..KEPT + 20 {
            tasks.start(start(), async |_| Ok(Message::default()), |_| {}).unwrap();
            until(&tasks, |all| all.last().unwrap().state.is_over()).await;
        }
        let all = tasks.all().1;
        assert!(all.len() <= KEPT + 2, "{}", all.len());
        assert_eq!(all[0].id, running);
        assert!(all.is_sorted_by(|a, b| a.id < b.id));
    }

    #[tokio::test]
    async fn task_limit_refuses_new_tasks_until_one_ends() {
        let tasks = Tasks::new(Clock::SYSTEM);
        let forever = async |_| std::future::pending().await;
        let ids: Vec<TaskId> = (0..MOST_RUNNING).map(|_| tasks.start(start(), forever, |_| {}).unwrap()).collect();
        let refused = tasks.start(start(), forever, |_| {}).unwrap_err();
        assert_eq!((refused.kind, refused.hint.is_some()), (ErrorKind::Busy, true));
        tasks.cancel(ids[0]).unwrap();
        until(&tasks, |all| all.iter().any(|it| it.state.is_over())).await;
        assert!(tasks.start(start(), forever, |_| {}).is_ok());
    }

    #[tokio::test]
    async fn lagging_reader_gets_each_task_once_in_its_current_state() {
        let tasks = Tasks::new(Clock::SYSTEM);
        let before = tasks.all().0;
        for _ in 0..3 {
            tasks.start(start(), async |_| Ok(Message::default()), |_| {}).unwrap();
        }
        until(&tasks, |all| all.iter().all(|it| it.state.is_over())).await;
        let mut seen = Vec::new();
        let mut at = before;
        while let Some((version, task)) = tasks.after(at) {
            at = version;
            seen.push(task.state);
        }
        assert_eq!(seen, [TaskState::Done; 3]);
    }
}
