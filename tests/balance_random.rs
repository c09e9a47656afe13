//! No worker idles beside work, by chance: as many as there are workers meet, and each of them blocks its worker until all
//! are there. They come from outside and from a green thread that has started, among others that wake, spawn and compute.

mod support;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use support::{Rng, for_seeds, watched};
use sward::{JoinHandle, Runtime, thread};

fn compute(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {}
}

/// Where all workers come together.
#[derive(Clone)]
struct Meeting {
    here: Arc<AtomicUsize>,
    all: usize,
}

impl Meeting {
    fn of(all: usize) -> Self {
        Self { here: Arc::default(), all }
    }

    fn join(&self) {
        self.here.fetch_add(1, SeqCst);
        self.wait();
    }

    fn wait(&self) {
        while self.here.load(SeqCst) < self.all {
            std::thread::yield_now();
        }
    }
}

enum Job {
    Compute(Duration),
    /// Spawns so many that join the meeting, says that it is there, and joins.
    Meet(Meeting, usize, Arc<AtomicBool>),
    End,
}

/// A green thread that has started, on a worker of its own among those like it, and does what it is told.
struct Fixed {
    jobs: Arc<Mutex<VecDeque<Job>>>,
    handle: JoinHandle<()>,
}

impl Fixed {
    fn new(runtime: &Runtime, start: Meeting) -> Self {
        let jobs = Arc::<Mutex<VecDeque<Job>>>::default();
        let theirs = Arc::clone(&jobs);
        let handle = runtime.spawn(move || {
            start.join();
            loop {
                let job = theirs.lock().unwrap().pop_front();
                match job {
                    None => thread::park(),
                    Some(Job::Compute(time)) => compute(time),
                    Some(Job::Meet(meeting, spawns, there)) => {
                        for _ in 0..spawns {
                            let meeting = meeting.clone();
                            drop(sward::spawn(move || meeting.join()));
                        }
                        there.store(true, SeqCst);
                        meeting.join();
                    }
                    Some(Job::End) => return,
                }
            }
        });
        Self { jobs, handle }
    }

    fn give(&self, job: Job) {
        self.jobs.lock().unwrap().push_back(job);
        self.handle.thread().unpark();
    }
}

/// Something else that the workers do.
fn disturb(rng: &mut Rng, runtime: &Runtime, fixed: &[Fixed]) {
    let (sooner, later) = (rng.micros(80), rng.micros(200));
    match rng.below(5) {
        0 => drop(runtime.spawn(move || thread::sleep(later))),
        1 => fixed[rng.below(fixed.len())].give(Job::Compute(sooner)),
        // Nothing is awaited by it: the workers are given nothing for a while.
        2 => std::thread::sleep(later),
        3 => drop(runtime.spawn(move || drop(sward::spawn_after(later, move || compute(sooner))))),
        _ => drop(runtime.spawn(|| (0..3).for_each(|_| drop(sward::spawn(|| ()))))),
    }
}

fn meet(rng: &mut Rng, runtime: &Runtime, fixed: &[Fixed]) {
    let meeting = Meeting::of(fixed.len());
    let mut left = fixed.len();
    if rng.below(4) != 0 {
        let (spawns, there) = (rng.below(left), Arc::new(AtomicBool::new(false)));
        left -= spawns + 1;
        fixed[rng.below(fixed.len())].give(Job::Meet(meeting.clone(), spawns, Arc::clone(&there)));
        // It cannot leave its worker: so it is there before another one blocks that.
        while !there.load(SeqCst) {
            std::hint::spin_loop();
        }
    }
    let outside = (0..left).map(|_| {
        if rng.below(4) == 0 {
            fixed[rng.below(fixed.len())].give(Job::Compute(rng.micros(80)));
        }
        compute(rng.micros(30));
        let meeting = meeting.clone();
        runtime.spawn(move || meeting.join())
    });
    let outside: Vec<_> = outside.collect();
    sward::join_all(outside).into_iter().for_each(Result::unwrap);
    meeting.wait();
}

fn world(seed: u64) {
    let mut rng = Rng(seed);
    let workers = 2 + rng.below(3_usize);
    let mut builder = Runtime::builder().workers(workers);
    if rng.below(4) == 0 {
        builder = builder.busy_poll(rng.micros(300));
    }
    let runtime = builder.build().unwrap();
    let start = Meeting::of(workers);
    let fixed: Vec<_> = (0..workers).map(|_| Fixed::new(&runtime, start.clone())).collect();
    start.wait();
    let stay: Vec<_> = (0..rng.below(2) * rng.below(80)).map(|_| runtime.spawn(thread::park)).collect();
    for _ in 0..100 {
        (0..rng.below(6)).for_each(|_| disturb(&mut rng, &runtime, &fixed));
        meet(&mut rng, &runtime, &fixed);
    }
    fixed.iter().for_each(|one| one.give(Job::End));
    sward::join_all(fixed.into_iter().map(|one| one.handle)).into_iter().for_each(Result::unwrap);
    stay.iter().for_each(|one| one.thread().unpark());
    sward::join_all(stay).into_iter().for_each(Result::unwrap);
}

#[test]
fn as_many_as_there_are_workers_run_at_once_wherever_they_come_from() {
    for_seeds(3, |seed| watched(move || world(seed)));
}
