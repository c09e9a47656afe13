//! `sward::{Group, Pool, TaskGroup, Supervisor}`.

use std::{iter::FusedIterator, time::Duration};

use sward::{
    Canceller, Group, JoinError, JoinHandle, Pool, ScopedJoinHandle, Supervisor, TaskGroup, TryJoinError,
    group::{Backoff, Imap, ImapUnordered, Restart, Strategy, SupervisorError},
    thread::Thread,
};

type Job = fn() -> i32;
type Items = std::vec::IntoIter<i32>;
type Map = fn(i32) -> String;

pub(crate) fn pointers() {
    group();
    pool();
    task_group();
    supervisor();
}

fn group() {
    let _: fn() -> Group = Group::new;
    let _: fn(&Group, Job) -> JoinHandle<i32> = Group::spawn::<Job, i32>;
    let _: fn(&Group) -> usize = Group::len;
    let _: fn(&Group) -> bool = Group::is_empty;
    let _: fn(&Group) = Group::join;
    let _: fn(&Group) = Group::cancel_all;
    let _: fn(&Group) -> Vec<Thread> = Group::threads;
    let _: fn(&Group) -> Vec<Canceller> = Group::cancellers;
    bound!(Group: Clone + Default + Send + Sync);
}

fn pool() {
    let _: fn(usize) -> Pool = Pool::new;
    let _: fn(&Pool, Job) -> JoinHandle<i32> = Pool::spawn::<Job, i32>;
    let _: fn(&Pool, Job) -> Result<JoinHandle<i32>, Job> = Pool::try_spawn::<Job, i32>;
    let _: fn(&Pool, Vec<i32>, Map) -> Vec<Result<String, JoinError>> = Pool::map::<Vec<i32>, Map, String>;
    let _: fn(&Pool, Vec<i32>, Map) -> Imap<Items, Map, String> = Pool::imap;
    let _: fn(&Pool, Vec<i32>, Map) -> ImapUnordered<Items, Map, String> = Pool::imap_unordered;
    let _: fn(&Pool) -> usize = Pool::free_count;
    let _: fn(&Pool) = Pool::wait_available;
    let _: fn(&Pool) -> usize = Pool::len;
    let _: fn(&Pool) -> bool = Pool::is_empty;
    let _: fn(&Pool) = Pool::join;
    let _: fn(&Pool) = Pool::cancel_all;
    bound!(Pool: Clone + Send + Sync);
    bound!(Imap<Items, Map, String>: Iterator<Item = Result<String, JoinError>>);
    bound!(ImapUnordered<Items, Map, String>: Iterator<Item = Result<String, JoinError>>);
    bound!(Imap<Items, Map, String>: FusedIterator);
}

fn task_group() {
    fn within<'scope>(group: &TaskGroup<'scope, '_, String>) {
        type Job = fn() -> Result<i32, String>;
        let _: ScopedJoinHandle<'scope, Option<i32>> = group.spawn::<Job, i32>(|| Ok(1));
        group.cancel_all();
    }
    let _: fn() -> Result<(), TryJoinError<String>> = || TaskGroup::run(|group| within(group));
}

fn supervisor() {
    let _: fn() -> Supervisor = Supervisor::new;
    let _: fn(Supervisor, Strategy) -> Supervisor = Supervisor::strategy;
    let _: fn(Supervisor, usize, Duration) -> Supervisor = Supervisor::intensity;
    let _: fn(Supervisor, Backoff) -> Supervisor = Supervisor::backoff;
    let _: fn(Supervisor, &'static str, fn()) -> Supervisor = |it, name, job| it.child(name, job);
    let _: fn(Supervisor, &'static str, Restart, fn()) -> Supervisor =
        |it, name, restart, job| it.child_with(name, restart, job);
    let _: fn(Supervisor) -> Result<(), SupervisorError> = Supervisor::run;
}
