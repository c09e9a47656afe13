//! What all lives of a run share, and what they own.

use std::{
    env,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
};

use crate::life::Life;
use crate::support::Rng;
use sward::{Canceller, JoinHandle, spawn, spawn_after, thread::Thread, time::Instant};

/// How many lives a world has, about.
pub(crate) const LIVES: usize = 1500;

/// A world: what all lives of a run share.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) start: Instant,
    pub(crate) born: AtomicUsize,
    /// Guards alive: made minus dropped. Each guard checks for itself that it is dropped once.
    pub(crate) guards: AtomicI64,
    pub(crate) made: AtomicUsize,
    pub(crate) began: AtomicUsize,
    pub(crate) ended: AtomicUsize,
    pub(crate) callbacks: AtomicUsize,
    pub(crate) called: AtomicUsize,
    pub(crate) trace: AtomicU64,
    pub(crate) events: AtomicUsize,
    /// Whom a life may cancel or wake: a bounded gallery, filled in the order of birth.
    pub(crate) gallery: Mutex<Vec<(Canceller, Thread)>>,
}

/// What a life owns, checked to be dropped once.
pub(crate) struct Guard {
    world: Arc<World>,
    life: usize,
    dropped: bool,
}

impl Guard {
    pub(crate) fn new(world: &Arc<World>, life: usize) -> Self {
        world.guards.fetch_add(1, SeqCst);
        world.made.fetch_add(1, SeqCst);
        Self { world: Arc::clone(world), life, dropped: false }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::mem::replace(&mut self.dropped, true) {
            eprintln!("life {}: a guard is dropped twice", self.life);
            std::process::abort();
        }
        self.world.guards.fetch_sub(1, SeqCst);
        self.world.note(self.life, 'd', 0);
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(World {
            seed,
            start: Instant::now(),
            born: AtomicUsize::new(0),
            guards: AtomicI64::new(0),
            made: AtomicUsize::new(0),
            began: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            callbacks: AtomicUsize::new(0),
            called: AtomicUsize::new(0),
            trace: AtomicU64::new(0xcbf2_9ce4_8422_2325),
            events: AtomicUsize::new(0),
            gallery: Mutex::default(),
        })
    }

    /// Adds to the trace: who, what, when.
    pub(crate) fn note(&self, life: usize, what: char, more: u64) {
        self.events.fetch_add(1, SeqCst);
        let when = self.start.elapsed().as_nanos() as u64;
        let words = [life as u64, what as u64, more, when];
        let hash = words.iter().fold(self.trace.load(SeqCst), |hash, word| {
            (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
        });
        self.trace.store(hash, SeqCst); // one worker: nobody comes between
        if env::var_os("SWARD_RANDOM_TRACE").is_some() {
            eprintln!("{when:>9} {life:>5} {what} {more}");
        }
    }

    /// The next life's number and its closure; `None` if there are enough.
    pub(crate) fn conceive(
        self: &Arc<Self>,
        depth: u32,
    ) -> Option<(usize, impl FnOnce() -> Result<u64, u64> + Send + 'static)> {
        if self.born.load(SeqCst) >= LIVES {
            return None;
        }
        let life = self.born.fetch_add(1, SeqCst);
        let (world, captured) = (Arc::clone(self), Guard::new(self, life));
        Some((life, move || {
            let _captured = captured;
            world.began.fetch_add(1, SeqCst);
            let _end = End { world: &world, life };
            Life { world: &world, life, depth, rng: Rng(world.seed ^ (life as u64) << 32) }.live()
        }))
    }

    pub(crate) fn beget(self: &Arc<Self>, rng: &mut Rng, depth: u32) -> Option<JoinHandle<Result<u64, u64>>> {
        let (life, closure) = self.conceive(depth)?;
        let handle = match rng.below(8) {
            0 => spawn_after(rng.micros(200), closure),
            _ => spawn(closure),
        };
        self.enter_gallery(life, &handle);
        if rng.below(4) == 0 {
            self.callbacks.fetch_add(1, SeqCst);
            let world = Arc::clone(self);
            let guard = Guard::new(self, life);
            handle.on_done(move |outcome| {
                let _guard = guard;
                world.called.fetch_add(1, SeqCst);
                world.note(life, 'c', outcome.status as u64);
            });
        }
        Some(handle)
    }

    fn enter_gallery(&self, life: usize, handle: &JoinHandle<Result<u64, u64>>) {
        let mut gallery = self.gallery.lock().unwrap();
        let picture = (handle.canceller(), handle.thread().clone());
        if gallery.len() < 64 {
            gallery.push(picture);
        } else {
            gallery[life % 64] = picture;
        }
    }

    pub(crate) fn any(&self, rng: &mut Rng) -> Option<(Canceller, Thread)> {
        let gallery = self.gallery.lock().unwrap();
        (!gallery.is_empty()).then(|| gallery[rng.below(gallery.len() as u64) as usize].clone())
    }
}

/// Counts a life that began as ended, however it does.
struct End<'a> {
    world: &'a World,
    life: usize,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.world.ended.fetch_add(1, SeqCst);
        self.world.note(self.life, 'e', std::thread::panicking().into());
    }
}
