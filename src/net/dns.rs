//! Names to addresses, on a pool of their own: the system's resolver waits for seconds when a server is silent.
//!
//! There is one lookup in flight a name: who asks for the same name meanwhile waits for the same answer. Nothing is
//! kept after that; caching is the system's business.

use std::{
    collections::BTreeMap,
    io, net,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, MutexGuard},
    vec,
};

use super::SocketAddr;
use crate::sched::{
    blocking::{self, Pool},
    clock::Nanos,
    park::{self, Unparker},
    worker,
};

/// How many lookups are under way at most; those beyond wait for a thread.
const MAX_LOOKUPS: usize = 64;

static POOL: Pool = Pool::new("sward-dns", MAX_LOOKUPS);
static SYSTEM: Resolver = Resolver::new(ask_system);

/// The lookups in flight, and how they are made.
struct Resolver {
    in_flight: Mutex<BTreeMap<Box<str>, Arc<Lookup>>>,
    ask: fn(&str) -> io::Result<Vec<SocketAddr>>,
}

/// One question, and all who wait for its answer.
struct Lookup(Mutex<State>);

enum State {
    Asked(Vec<Unparker>),
    Answered(io::Result<Vec<SocketAddr>>),
}

/// The addresses of a host, with this port. Parks a green thread, and blocks a plain OS thread. A cancel ends the
/// wait at once; the lookup goes on without anybody waiting for it.
pub(super) fn look_up(host: &str, port: u16) -> io::Result<vec::IntoIter<SocketAddr>> {
    let mut found = SYSTEM.look_up(host)?;
    for addr in &mut found {
        addr.set_port(port);
    }
    Ok(found.into_iter())
}

fn ask_system(host: &str) -> io::Result<Vec<SocketAddr>> {
    net::ToSocketAddrs::to_socket_addrs(&(host, 0)).map(Iterator::collect)
}

impl Resolver {
    const fn new(ask: fn(&str) -> io::Result<Vec<SocketAddr>>) -> Self {
        Self { in_flight: Mutex::new(BTreeMap::new()), ask }
    }

    fn look_up(&'static self, host: &str) -> io::Result<Vec<SocketAddr>> {
        if worker::current().is_none_or(|(_, slot)| park::must_stay(slot)) {
            return (self.ask)(host);
        }
        let lookup = self.join_or_start(host);
        blocking::awaiting_pool(|| lookup.wait())
    }

    fn join_or_start(&'static self, host: &str) -> Arc<Lookup> {
        let lookup = {
            let mut in_flight = self.lock();
            if let Some(lookup) = in_flight.get(host) {
                return Arc::clone(lookup);
            }
            let lookup = Arc::new(Lookup(Mutex::new(State::Asked(Vec::new()))));
            in_flight.insert(host.into(), Arc::clone(&lookup));
            lookup
        };
        let (host, theirs) = (Box::<str>::from(host), Arc::clone(&lookup));
        let job = Box::new(move || {
            let answer = panic::catch_unwind(AssertUnwindSafe(|| (self.ask)(&host)));
            self.lock().remove(&host);
            theirs
                .answer(answer.unwrap_or_else(|_| Err(io::Error::other("the lookup of the name panicked"))));
        });
        POOL.submit(job);
        lookup
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Arc<Lookup>>> {
        self.in_flight.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Lookup {
    fn answer(&self, answer: io::Result<Vec<SocketAddr>>) {
        let before = std::mem::replace(&mut *self.lock(), State::Answered(answer));
        if let State::Asked(waiters) = before {
            for waiter in waiters {
                waiter.unpark();
            }
        }
    }

    fn wait(&self) -> io::Result<Vec<SocketAddr>> {
        loop {
            match &mut *self.lock() {
                State::Answered(Ok(found)) => return Ok(found.clone()),
                State::Answered(Err(error)) => return Err(copy(error)),
                State::Asked(waiters) => waiters.push(park::current_unparker()),
            }
            if park::park(Nanos::NEVER) == park::Wake::Cancelled {
                crate::sched::cancel::unwind();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The same error for one more who waits for it.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Barrier,
        mpsc::{self, Receiver, SyncSender},
    };

    /// Starts `n` green threads that look up the same name; `ask` is let go when all of them wait for it.
    fn look_up_at_once(
        resolver: &'static Resolver,
        n: usize,
        go: &Barrier,
    ) -> Vec<io::Result<Vec<SocketAddr>>> {
        crate::run(|| {
            let threads: Vec<_> = (0..n).map(|_| crate::spawn(|| resolver.look_up("a.name"))).collect();
            crate::yield_now(); // each of them has parked
            go.wait();
            crate::join_all(threads).into_iter().map(Result::unwrap).collect()
        })
    }

    #[test]
    fn those_who_ask_for_a_name_at_once_share_one_lookup_and_later_ones_ask_anew() {
        static GO: Barrier = Barrier::new(2);
        static ASKED: Mutex<usize> = Mutex::new(0);
        static RESOLVER: Resolver = Resolver::new(|host| {
            *ASKED.lock().unwrap() += 1;
            GO.wait();
            assert_eq!(host, "a.name");
            Ok(vec![SocketAddr::from(([10, 0, 0, 1], 0))])
        });
        let answers = look_up_at_once(&RESOLVER, 50, &GO);
        assert!(
            answers.iter().all(|answer| answer.as_ref().unwrap() == &[SocketAddr::from(([10, 0, 0, 1], 0))])
        );
        assert_eq!(*ASKED.lock().unwrap(), 1);
        assert!(RESOLVER.lock().is_empty());

        look_up_at_once(&RESOLVER, 1, &GO);
        assert_eq!(*ASKED.lock().unwrap(), 2);
    }

    #[test]
    fn all_who_wait_get_the_same_error() {
        static GO: Barrier = Barrier::new(2);
        static RESOLVER: Resolver = Resolver::new(|_| {
            GO.wait();
            Err(io::Error::new(io::ErrorKind::NotFound, "no such name"))
        });
        for answer in look_up_at_once(&RESOLVER, 3, &GO) {
            let error = answer.unwrap_err();
            assert_eq!((error.kind(), &*error.to_string()), (io::ErrorKind::NotFound, "no such name"));
        }
        assert!(RESOLVER.lock().is_empty());
    }

    #[test]
    fn a_panic_in_the_resolver_is_an_error_for_all_who_wait() {
        static GO: Barrier = Barrier::new(2);
        static RESOLVER: Resolver = Resolver::new(|_| {
            GO.wait();
            panic!("expected: the resolver panics")
        });
        for answer in look_up_at_once(&RESOLVER, 3, &GO) {
            assert!(answer.unwrap_err().to_string().contains("panicked"));
        }
        assert!(RESOLVER.lock().is_empty());
    }

    #[test]
    fn a_cancel_ends_the_wait_and_the_lookup_goes_on() {
        type Gate = (Mutex<Option<SyncSender<()>>>, Mutex<Option<Receiver<()>>>);
        static GATE: Gate = (Mutex::new(None), Mutex::new(None));
        static RESOLVER: Resolver = Resolver::new(|_| {
            let gate = GATE.1.lock().unwrap().take().unwrap();
            gate.recv().unwrap();
            Ok(Vec::new())
        });
        let (open, gate) = mpsc::sync_channel(0);
        (*GATE.0.lock().unwrap(), *GATE.1.lock().unwrap()) = (Some(open), Some(gate));
        crate::run(|| {
            let asker = crate::spawn(|| resolver_answer(&RESOLVER));
            crate::yield_now();
            asker.cancel();
            assert!(matches!(asker.join(), Err(crate::JoinError::Cancelled)));
        });
        assert_eq!(RESOLVER.lock().len(), 1);
        let open = GATE.0.lock().unwrap().take().unwrap();
        open.send(()).unwrap();
    }

    fn resolver_answer(resolver: &'static Resolver) -> usize {
        resolver.look_up("a.name").unwrap().len()
    }

    #[test]
    fn a_plain_os_thread_asks_by_itself() {
        static RESOLVER: Resolver = Resolver::new(|_| {
            assert!(!std::thread::current().name().unwrap_or_default().starts_with("sward-dns"));
            Ok(Vec::new())
        });
        assert!(RESOLVER.look_up("a.name").unwrap().is_empty());
    }
}
