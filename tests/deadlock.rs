//! Green threads that wait for each other for ever are found, told of once, and go on when one is cancelled.

mod support;

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use support::{Child, in_run, in_virtual_time, runtime, until_parked, watched};
use sward::{
    JoinHandle, inspect,
    inspect::Deadlock,
    sync::{Barrier, Mutex},
    thread::{self, Builder, ThreadId},
};

type Lock = Arc<Mutex<()>>;

fn locks<const N: usize>() -> [Lock; N] {
    std::array::from_fn(|_| Lock::default())
}

/// Takes the first lock, lets the others take theirs, and then waits for the second. For virtual time.
fn crossing(first: &Lock, second: &Lock) -> impl FnOnce() + Send + 'static {
    crossing_after(first, second, || sward::sleep(Duration::from_millis(1)))
}

fn crossing_after(
    first: &Lock,
    second: &Lock,
    others_take_theirs: impl FnOnce() + Send + 'static,
) -> impl FnOnce() + Send + 'static {
    let (first, second) = (first.clone(), second.clone());
    move || {
        let _first = first.lock().unwrap();
        others_take_theirs();
        drop(second.lock().unwrap());
    }
}

/// Waits until so many have come.
fn meeting(of: usize) -> impl Fn() + Clone + Send + 'static {
    let barrier = Arc::new(Barrier::new(of));
    move || {
        barrier.wait();
    }
}

fn named(name: &str, f: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    Builder::new().name(name.into()).spawn(f).unwrap()
}

/// So many in a ring, each with the lock that the one before waits for.
fn ring_of<const N: usize>() -> Vec<JoinHandle<()>> {
    let locks = locks::<N>();
    let meet = meeting(N);
    let member = |i| crossing_after(&locks[i], &locks[(i + 1) % N], meet.clone());
    (0..N).map(|i| named(&format!("member {i}"), member(i))).collect()
}

/// Does this to one that waits for a lock, which is held meanwhile.
fn with_the_lock_of(f: impl FnOnce(JoinHandle<()>) + Send + 'static) -> impl FnOnce() + Send + 'static {
    let [lock] = locks();
    move || {
        let held = lock.lock().unwrap();
        let lock = lock.clone();
        f(named("waiter", move || drop(lock.lock().unwrap())));
        drop(held);
    }
}

fn ids(deadlock: &Deadlock) -> Vec<ThreadId> {
    deadlock.members().map(|member| member.id()).collect()
}

/// The deadlock of these, sooner or later.
fn awaited(whose: &[&JoinHandle<()>]) -> Deadlock {
    loop {
        let found = inspect::deadlocks().into_iter().find(|deadlock| {
            let ids = ids(deadlock);
            ids.len() == whose.len() && whose.iter().all(|handle| ids.contains(&handle.id()))
        });
        match found {
            Some(deadlock) => return deadlock,
            None => sward::sleep(Duration::from_millis(1)),
        }
    }
}

fn is_in_a_deadlock<T>(handle: &JoinHandle<T>) -> bool {
    inspect::deadlocks().iter().any(|deadlock| ids(deadlock).contains(&handle.id()))
}

/// Cancels the first, which lets the others go on.
fn resolve(mut handles: Vec<JoinHandle<()>>) {
    let first = handles.remove(0);
    first.cancel();
    assert!(first.join().unwrap_err().is_cancelled());
    sward::join_all(handles).into_iter().for_each(|result| result.unwrap());
}

#[test]
fn two_that_hold_what_the_other_waits_for_are_a_deadlock_until_one_is_cancelled() {
    in_virtual_time(|| {
        let handles = ring_of::<2>();
        sward::sleep(Duration::from_secs(1));
        let found = awaited(&[&handles[0], &handles[1]]);
        let members: Vec<_> = found.members().collect();
        assert_eq!(members[0].name(), Some("member 0"));
        assert_eq!(members[1].name(), Some("member 1"));
        assert!(members.iter().all(|member| member.what() == "Mutex"));
        assert_eq!(members[0].held_by(), handles[1].id());
        assert_eq!(members[1].held_by(), handles[0].id());
        assert!(members[0].spawned_at().file().ends_with("deadlock.rs"));
        handles[0].cancel();
        assert!(!is_in_a_deadlock(&handles[1]), "it is about to end");
        resolve(handles);
    });
}

#[test]
fn a_ring_of_many_is_found_in_the_order_of_who_waits_for_whom() {
    in_virtual_time(|| {
        let handles = ring_of::<7>();
        sward::sleep(Duration::from_secs(1));
        let found = awaited(&handles.iter().collect::<Vec<_>>());
        assert_eq!(ids(&found), handles.iter().map(JoinHandle::id).collect::<Vec<_>>());
        resolve(handles);
    });
}

#[test]
fn a_join_of_one_that_waits_for_a_lock_of_the_joiner_is_a_deadlock() {
    in_virtual_time(|| {
        let joiner = named("joiner", with_the_lock_of(|waiter| drop(waiter.join())));
        sward::sleep(Duration::from_secs(1));
        let found = inspect::deadlocks().into_iter().find(|found| ids(found).contains(&joiner.id())).unwrap();
        let what: Vec<_> = found.members().map(|member| (member.name(), member.what())).collect();
        assert_eq!(what, [(Some("joiner"), "JoinHandle"), (Some("waiter"), "Mutex")]);
        joiner.cancel();
        assert!(joiner.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn green_threads_of_two_workers_and_of_two_runtimes_are_found_from_an_os_thread() {
    watched(|| {
        let runtimes = [runtime(1), runtime(1)];
        let [left, right] = locks();
        let meet = meeting(2);
        let handles = vec![
            runtimes[0].spawn(crossing_after(&left, &right, meet.clone())),
            runtimes[1].spawn(crossing_after(&right, &left, meet)),
        ];
        awaited(&[&handles[0], &handles[1]]);
        resolve(handles);
    });
}

#[test]
fn a_ring_across_the_workers_of_one_runtime_is_found() {
    watched(|| {
        let runtime = runtime(2);
        runtime.run(|| {
            let handles = ring_of::<4>();
            awaited(&handles.iter().collect::<Vec<_>>());
            resolve(handles);
        });
    });
}

#[test]
fn a_worker_that_always_has_something_to_run_tells_at_times() {
    watched(|| {
        let runtime = runtime(1);
        let handles = runtime.run(ring_of::<2>);
        // Cancelled when the runtime closes.
        runtime.spawn(|| (0..u64::MAX).for_each(|_| sward::yield_now()));
        awaited(&[&handles[0], &handles[1]]);
        resolve(handles);
    });
}

#[test]
fn a_wait_within_a_timeout_is_in_no_deadlock() {
    in_virtual_time(|| {
        let [left, right] = locks();
        let patient = named("patient", crossing(&left, &right));
        let hasty = sward::spawn(move || sward::timeout(Duration::from_secs(9), crossing(&right, &left)));
        sward::sleep(Duration::from_secs(1));
        assert!(!is_in_a_deadlock(&patient) && !is_in_a_deadlock(&hasty));
        assert!(hasty.join().unwrap().is_err());
        patient.join().unwrap();
    });
}

#[test]
fn a_join_with_a_deadline_is_in_no_deadlock() {
    in_virtual_time(|| {
        let patient = |waiter: JoinHandle<()>| drop(waiter.join_timeout(Duration::from_secs(9)).unwrap_err());
        let joiner = sward::spawn(with_the_lock_of(patient));
        sward::sleep(Duration::from_secs(1));
        assert!(!is_in_a_deadlock(&joiner));
        joiner.join().unwrap();
    });
}

#[test]
fn a_timeout_that_is_held_back_by_a_shield_ends_no_deadlock() {
    in_virtual_time(|| {
        let [left, right] = locks();
        let first = named("first", crossing(&left, &right));
        let second = named("second", move || {
            let shielded = || sward::shield(crossing(&right, &left));
            let _ = sward::timeout(Duration::from_secs(1), shielded);
        });
        sward::sleep(Duration::from_secs(9));
        second.cancel();
        // Neither the timeout nor the cancel of the shielded one can end it.
        awaited(&[&first, &second]);
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
        assert!(second.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_plain_os_thread_that_holds_a_lock_is_no_deadlock() {
    in_run(|| {
        let [left, right] = locks();
        let (held, is_held) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let os_thread = {
            let right = right.clone();
            std::thread::spawn(move || {
                let _right = right.lock().unwrap();
                held.send(()).unwrap();
                may_go.recv().unwrap();
            })
        };
        is_held.recv().unwrap();
        let first = sward::spawn(crossing_after(&left, &right, sward::yield_now));
        let second = sward::spawn(move || drop(left.lock().unwrap()));
        until_parked(&first);
        until_parked(&second);
        assert!(!is_in_a_deadlock(&first) && !is_in_a_deadlock(&second));
        go.send(()).unwrap();
        os_thread.join().unwrap();
        first.join().unwrap();
        second.join().unwrap();
    });
}

#[test]
fn who_waits_outside_of_the_ring_is_not_in_it() {
    in_virtual_time(|| {
        let [left, right] = locks();
        let handles = vec![sward::spawn(crossing(&left, &right)), sward::spawn(crossing(&right, &left))];
        sward::sleep(Duration::from_millis(500));
        let outside = sward::spawn(move || drop(left.lock().unwrap()));
        sward::sleep(Duration::from_secs(1));
        assert!(!is_in_a_deadlock(&outside));
        awaited(&[&handles[0], &handles[1]]);
        resolve(handles);
        outside.join().unwrap();
    });
}

/// One that waits for `left` with `right` held, when another takes `left` before its turn. Who had `left` first goes on
/// with `first`, who has it then goes on with `then`.
fn overtaken(
    first: impl FnOnce(&Lock) + Send + 'static,
    then: impl FnOnce(&Lock) + Send + 'static,
) -> Vec<JoinHandle<()>> {
    let [left, right] = locks();
    let (l, r) = (left.clone(), right.clone());
    let thief = named("thief", move || {
        thread::park();
        let _left = l.try_lock().expect("the thief runs before the one that was woken");
        then(&r);
    });
    let (l, r, thief_itself) = (left.clone(), right.clone(), thief.thread().clone());
    let owner = named("owner", move || {
        let held = l.lock().unwrap();
        thread::park();
        thief_itself.unpark();
        drop(held);
        first(&r);
    });
    let waiter = named("waiter", crossing(&right, &left));
    sward::sleep(Duration::from_secs(1));
    owner.thread().unpark();
    sward::sleep(Duration::from_secs(1));
    vec![waiter, owner, thief]
}

#[test]
fn who_held_the_lock_when_the_wait_began_is_not_who_counts() {
    in_virtual_time(|| {
        let handles = overtaken(|right| drop(right.lock().unwrap()), |_| thread::park());
        assert!(handles.iter().all(|handle| !is_in_a_deadlock(handle)));
        handles[2].thread().unpark();
        sward::join_all(handles).into_iter().for_each(|result| result.unwrap());
    });
}

#[test]
fn who_holds_the_lock_since_closes_the_ring() {
    in_virtual_time(|| {
        let handles = overtaken(|_| (), |right| drop(right.lock().unwrap()));
        awaited(&[&handles[0], &handles[2]]);
        resolve(handles);
    });
}

#[test]
fn a_lock_that_many_wait_for_is_no_deadlock_and_costs_no_walk() {
    in_virtual_time(|| {
        let [lock] = locks();
        let held = lock.lock().unwrap();
        let waiters: Vec<_> = (0..10_000)
            .map(|_| {
                let lock = lock.clone();
                sward::spawn(move || drop(lock.lock().unwrap()))
            })
            .collect();
        sward::sleep(Duration::from_secs(1));
        assert!(!is_in_a_deadlock(&waiters[0]));
        drop(held);
        sward::join_all(waiters);
    });
}

/// Each joins the one before, and the first is joined only when all wait.
fn chain(length: usize, last: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let mut head = named("last", last);
    for i in 1..length {
        head = sward::spawn(move || drop(head.join()));
        if i.is_multiple_of(100) {
            sward::sleep(Duration::from_millis(1));
        }
    }
    head
}

#[test]
fn a_ring_of_very_many_is_found_when_asked_for() {
    in_virtual_time(|| {
        let [lock] = locks();
        let length = 5_000;
        let first = named("first", move || {
            let held = lock.lock().unwrap();
            let lock = lock.clone();
            let last = move || {
                sward::sleep(Duration::from_secs(9));
                drop(lock.lock().unwrap());
            };
            let _ = chain(length - 1, last).join();
            drop(held);
        });
        sward::sleep(Duration::from_secs(60));
        let found = inspect::deadlocks().into_iter().find(|found| ids(found).contains(&first.id()));
        assert_eq!(found.unwrap().members().len(), length);
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_deadlock_is_told_of_once_with_names_places_and_what_is_held() {
    let ended = Child::of("a_deadlock_is_told_of_once_with_names_places_and_what_is_held").run(|| {
        in_virtual_time(|| {
            let [left, right] = locks();
            let handles =
                vec![named("there", crossing(&left, &right)), named("back", crossing(&right, &left))];
            sward::sleep(Duration::from_secs(1));
            eprintln!("nobody has asked");
            assert_eq!((inspect::deadlocks().len(), inspect::deadlocks().len()), (1, 1));
            let (left, right) = (Arc::as_ptr(&left).addr(), Arc::as_ptr(&right).addr());
            let (there, back) = (handles[0].id().as_u64(), handles[1].id().as_u64());
            println!("waits for the Mutex at {right:#x}, held by green thread {back} \"back\"");
            println!("waits for the Mutex at {left:#x}, held by green thread {there} \"there\"");
            println!("end of the lines");
            resolve(handles);
            assert!(inspect::deadlocks().is_empty());
        });
    });
    ended.is_well();
    let (unasked, asked) = ended.stderr.split_once("nobody has asked").unwrap();
    assert_eq!([unasked, asked].map(|part| part.matches("sward: deadlock").count()), [1, 0], "{ended:?}");
    ended.says(&[
        "sward: deadlock: 2 green threads wait for each other, and none can go on:\n",
        "\"there\" (spawned at tests/deadlock.rs:",
        "To cancel one of them ends it.",
    ]);
    let said = ended.stdout.lines().filter_map(|line| line.find("waits for the Mutex").map(|at| &line[at..]));
    let said: Vec<_> = said.collect();
    assert_eq!(said.len(), 2, "{ended:?}");
    ended.says(&said);
}

#[test]
fn a_deadlock_by_a_join_is_told_of_without_anybody_asking() {
    let ended = Child::of("a_deadlock_by_a_join_is_told_of_without_anybody_asking").run(|| {
        let runtime = runtime(2);
        let joiner = runtime.spawn(with_the_lock_of(|waiter| drop(waiter.join())));
        while !inspect::deadlocks().iter().any(|found| ids(found).contains(&joiner.id())) {
            std::thread::yield_now();
        }
        // What is told is told after it can be seen, by a worker: whose end this waits for.
        drop(runtime);
    });
    ended.is_well();
    assert_eq!(ended.stderr.matches("sward: deadlock").count(), 1, "{ended:?}");
    ended.says(&["waits for the end of green thread ", "waits for the Mutex at 0x"]);
}

#[test]
fn contended_locks_taken_in_one_order_are_no_deadlock() {
    let ended = Child::of("contended_locks_taken_in_one_order_are_no_deadlock").run(|| {
        let runtime = runtime(2);
        let locks: [Lock; 3] = locks();
        let handles: Vec<_> = (0..8)
            .map(|i| {
                let locks = locks.clone();
                runtime.spawn(move || {
                    for round in 0..300 {
                        let _guards: Vec<_> =
                            locks.iter().skip((i + round) % 3).map(|lock| lock.lock().unwrap()).collect();
                        sward::yield_now();
                    }
                })
            })
            .collect();
        while handles.iter().any(|handle| !handle.is_finished()) {
            assert!(inspect::deadlocks().is_empty());
        }
        sward::join_all(handles).into_iter().for_each(|result| result.unwrap());
    });
    ended.is_well();
    assert!(!ended.stderr.contains("sward: deadlock"), "{ended:?}");
}
