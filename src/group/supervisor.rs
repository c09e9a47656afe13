//! Restarting what fails.

use std::{collections::VecDeque, error::Error, fmt, panic::Location, sync::Arc};

use crate::{
    sched::{self, clock::Nanos},
    thread::{Builder, CancelRest, Completions, JoinError, join_all},
    time::Duration,
};

/// What is restarted when a child ends that should not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// That child alone.
    #[default]
    OneForOne,
    /// All children: the others are cancelled first.
    OneForAll,
}

/// When a child is restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Restart {
    /// However it ends.
    Permanent,
    /// When it panics.
    #[default]
    Transient,
    /// Never.
    Temporary,
}

/// How long a restart waits: longer after each one in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Before the first restart.
    pub first: Duration,
    /// Each next wait is this many times the last.
    pub factor: f64,
    /// Never longer than this.
    pub longest: Duration,
}

/// Runs children and restarts those that fail, as Erlang's supervisors do.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use sward::Supervisor;
///
/// static TRIES: AtomicU32 = AtomicU32::new(0);
/// let supervised = Supervisor::new().child("flaky", || {
///     if TRIES.fetch_add(1, Ordering::Relaxed) < 2 {
///         std::panic::resume_unwind(Box::new("not yet"));
///     }
/// });
/// supervised.run().unwrap();
/// assert_eq!(TRIES.load(Ordering::Relaxed), 3);
/// ```
pub struct Supervisor {
    strategy: Strategy,
    intensity: (usize, Duration),
    backoff: Backoff,
    children: Vec<Child>,
}

struct Child {
    name: String,
    restart: Restart,
    job: Arc<dyn Fn() + Send + Sync>,
    /// Where it was added: there its green threads come from.
    site: &'static Location<'static>,
}

/// There were more restarts in a time than allowed. All children have been cancelled and have ended.
#[derive(Debug)]
pub struct SupervisorError {
    child: String,
    last: Option<JoinError>,
    limit: (usize, Duration),
}

impl Default for Supervisor {
    fn default() -> Self {
        Self {
            strategy: Strategy::OneForOne,
            intensity: (3, Duration::from_secs(5)),
            backoff: Backoff {
                first: Duration::from_millis(10),
                factor: 2.0,
                longest: Duration::from_secs(1),
            },
            children: Vec::new(),
        }
    }
}

impl Supervisor {
    /// A supervisor without children: one for one, at most 3 restarts in 5 seconds, a backoff of 10 ms that doubles up
    /// to a second.
    ///
    /// ```
    /// assert!(sward::Supervisor::new().run().is_ok()); // there is nothing to wait for
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is restarted when a child fails.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    /// use sward::{Supervisor, group::Strategy};
    ///
    /// static STARTS: AtomicU32 = AtomicU32::new(0);
    /// static FAILED: AtomicU32 = AtomicU32::new(0);
    /// let supervised = Supervisor::new()
    ///     .strategy(Strategy::OneForAll)
    ///     .child("steady", || match STARTS.fetch_add(1, SeqCst) {
    ///         0 => sward::thread::park(), // until the other fails
    ///         _ => (),
    ///     })
    ///     .child("flaky", || {
    ///         if FAILED.fetch_add(1, SeqCst) == 0 {
    ///             std::panic::resume_unwind(Box::new("once"));
    ///         }
    ///     });
    /// sward::Runtime::builder().virtual_clock(true).run(|| supervised.run()).unwrap();
    /// assert_eq!(STARTS.load(SeqCst), 2);
    /// ```
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// How many restarts there may be in any such time, of all children together; one more ends the supervisor.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let supervised = sward::Supervisor::new()
    ///     .intensity(2, Duration::from_secs(60))
    ///     .child("hopeless", || std::panic::resume_unwind(Box::new("again")));
    /// let error = sward::Runtime::builder().virtual_clock(true).run(|| supervised.run()).unwrap_err();
    /// assert!(error.to_string().contains("hopeless"));
    /// ```
    #[must_use]
    pub fn intensity(mut self, restarts: usize, within: Duration) -> Self {
        self.intensity = (restarts, within);
        self
    }

    /// How long restarts wait.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sward::{Supervisor, group::Backoff, time::Instant};
    ///
    /// let second = Duration::from_secs(1);
    /// let supervised = Supervisor::new()
    ///     .backoff(Backoff { first: second, factor: 2.0, longest: 60 * second })
    ///     .intensity(2, 3600 * second)
    ///     .child("hopeless", || std::panic::resume_unwind(Box::new("again")));
    /// let took = sward::Runtime::builder().virtual_clock(true).run(|| {
    ///     let start = Instant::now();
    ///     supervised.run().unwrap_err();
    ///     start.elapsed()
    /// });
    /// assert_eq!(took, 3 * second); // one, and then two
    /// ```
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Adds a child that is restarted when it panics.
    ///
    /// Its name is that of the green thread.
    ///
    /// ```
    /// let supervised = sward::Supervisor::new().child("job", || assert!(sward::is_green()));
    /// assert!(supervised.run().is_ok());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn child(self, name: impl Into<String>, job: impl Fn() + Send + Sync + 'static) -> Self {
        self.child_with(name, Restart::Transient, job)
    }

    /// Adds a child, and says when it is restarted.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    /// use sward::{Supervisor, group::Restart};
    ///
    /// static RUNS: AtomicU32 = AtomicU32::new(0);
    /// let supervised = Supervisor::new().child_with("once", Restart::Temporary, || {
    ///     RUNS.fetch_add(1, SeqCst);
    ///     std::panic::resume_unwind(Box::new("never mind"));
    /// });
    /// assert!(supervised.run().is_ok());
    /// assert_eq!(RUNS.load(SeqCst), 1);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn child_with(
        mut self,
        name: impl Into<String>,
        restart: Restart,
        job: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let site = Location::caller();
        self.children.push(Child { name: name.into(), restart, job: Arc::new(job), site });
        self
    }

    /// Runs the children until all have ended for good. Parks. If the caller is cancelled, so are they.
    ///
    /// # Errors
    /// If there were too many restarts.
    ///
    /// ```
    /// let supervised = sward::Supervisor::new().child("forever", || sward::thread::park());
    /// let job = sward::spawn(|| supervised.run());
    /// job.cancel(); // the child ends with it
    /// assert!(job.join().unwrap_err().is_cancelled());
    /// ```
    pub fn run(self) -> Result<(), SupervisorError> {
        let count = self.children.len();
        let mut shift = Shift {
            running: CancelRest { handles: (0..count).map(|_| None).collect() },
            ended: Arc::default(),
            due: vec![None; count],
            in_a_row: vec![0; count],
            restarts: VecDeque::new(),
            supervisor: self,
        };
        (0..count).for_each(|child| shift.start(child));
        shift.run()
    }

    fn wait_before(&self, in_a_row: u32) -> Duration {
        let Backoff { first, factor, longest } = self.backoff;
        let wait = first.as_secs_f64() * factor.powi(in_a_row.min(1000) as i32);
        Duration::try_from_secs_f64(wait).map_or(longest, |wait| wait.min(longest))
    }
}

/// A supervisor at work.
struct Shift {
    supervisor: Supervisor,
    running: CancelRest<()>,
    ended: Arc<Completions>,
    /// When each child that waits for its restart is due.
    due: Vec<Option<Nanos>>,
    /// How many restarts each child had since it last ran well for the time of the intensity.
    in_a_row: Vec<u32>,
    /// When the last restarts were.
    restarts: VecDeque<Nanos>,
}

impl Shift {
    fn run(mut self) -> Result<(), SupervisorError> {
        while self.running.handles.iter().any(Option::is_some) || self.due.iter().any(Option::is_some) {
            let next = self.due.iter().flatten().min().copied().unwrap_or(Nanos::NEVER);
            match self.ended.next(next) {
                Some(child) => self.attend_to(child)?,
                None => self.start_due(),
            }
        }
        Ok(())
    }

    fn start(&mut self, index: usize) {
        let child = &self.supervisor.children[index];
        let job = Arc::clone(&child.job);
        let builder = Builder::new().name(child.name.clone());
        let handle = builder.spawn_at(child.site, move || job()).expect("the default stack can be");
        self.ended.watch(&handle, index);
        self.running.handles[index] = Some(handle);
        self.due[index] = None;
    }

    fn start_due(&mut self) {
        let now = sched::now();
        for index in 0..self.due.len() {
            if self.due[index].is_some_and(|due| due <= now) {
                self.start(index);
            }
        }
    }

    /// A child has ended: restarts it, or lets it rest.
    fn attend_to(&mut self, index: usize) -> Result<(), SupervisorError> {
        // One that was stopped for the others' sake has been attended to.
        let Some(handle) = self.running.handles[index].take_if(|handle| handle.is_finished()) else {
            return Ok(());
        };
        let end = handle.join();
        let again = match self.supervisor.children[index].restart {
            Restart::Permanent => !matches!(end, Err(JoinError::Cancelled)),
            Restart::Transient => matches!(end, Err(ref error) if !error.is_cancelled()),
            Restart::Temporary => false,
        };
        if !again {
            return Ok(());
        }
        self.count_restart(index, end.err())?;
        let now = sched::now();
        let due = now.saturating_add(self.supervisor.wait_before(self.in_a_row[index]));
        self.in_a_row[index] += 1;
        match self.supervisor.strategy {
            Strategy::OneForOne => self.due[index] = Some(due),
            Strategy::OneForAll => {
                let stopped = self.stop_others();
                self.due[index] = Some(due);
                stopped.into_iter().for_each(|other| self.due[other] = Some(due));
            }
        }
        Ok(())
    }

    fn count_restart(&mut self, index: usize, last: Option<JoinError>) -> Result<(), SupervisorError> {
        let (most, within) = self.supervisor.intensity;
        let now = sched::now();
        while self.restarts.front().is_some_and(|&then| now.since(then) > within) {
            self.restarts.pop_front();
        }
        if self.restarts.is_empty() {
            self.in_a_row.fill(0);
        }
        if self.restarts.len() >= most {
            self.stop_others();
            let child = self.supervisor.children[index].name.clone();
            return Err(SupervisorError { child, last, limit: (most, within) });
        }
        self.restarts.push_back(now);
        Ok(())
    }

    /// Cancels all that run, waits for them, and says which they were.
    fn stop_others(&mut self) -> Vec<usize> {
        self.running.cancel();
        let running = self.running.handles.iter_mut().enumerate();
        let (stopped, handles): (Vec<_>, Vec<_>) =
            running.filter_map(|(index, handle)| Some((index, handle.take()?))).unzip();
        join_all(handles);
        stopped
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children: Vec<_> = self.children.iter().map(|child| &child.name).collect();
        f.debug_struct("Supervisor")
            .field("strategy", &self.strategy)
            .field("children", &children)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SupervisorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (most, within) = self.limit;
        write!(f, "child {:?} failed, and there were {most} restarts within {within:?} before", self.child)
    }
}

impl Error for SupervisorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last.as_ref().map(|error| error as _)
    }
}
