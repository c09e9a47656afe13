//! [`Promise`].

use std::sync::{Arc, Mutex as StdMutex};

use sward::{
    catch_cancel,
    event::{Promise, PromiseError, Promised},
    time::Instant,
};

use crate::world::{Life, Patience, Rng, Subject, WAITED, lock};

/// How a promise ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Kept(u64),
    Failed(u64),
    Broken,
}

/// The model of a promise.
#[derive(Debug, Default)]
struct Ended {
    how: Option<(End, Instant)>,
    /// What the first reader got. All others get the same, of an error the very same.
    read: Option<Result<u64, PromiseError>>,
}

type Model = Arc<StdMutex<Ended>>;

/// One promise after the other.
pub(crate) struct Promising(StdMutex<Current>);

struct Current {
    /// `None`: somebody has taken it, and gives it an end.
    promise: Option<Promise<u64>>,
    promised: Promised<u64>,
    model: Model,
}

impl Current {
    fn new() -> Self {
        let (promise, promised) = Promise::new();
        Self { promise: Some(promise), promised, model: Model::default() }
    }
}

fn end(promise: Promise<u64>, model: &Model, how: End) {
    assert!(lock(model).how.replace((how, Instant::now())).is_none());
    match how {
        End::Kept(value) => promise.set(value),
        End::Failed(error) => promise.fail(error.to_string()),
        End::Broken => drop(promise),
    }
}

impl Subject for Promising {
    fn new(_: &mut Rng) -> Self {
        Self(StdMutex::new(Current::new()))
    }

    fn step(&self, life: &mut Life<'_, Self>) {
        let mut current = lock(&self.0);
        if life.rng.below(6) == 0 {
            match current.promise.take() {
                Some(promise) => {
                    let model = Arc::clone(&current.model);
                    drop(current);
                    let cancelled = catch_cancel(|| life.linger()).is_err();
                    let how = match life.rng.below(3) {
                        _ if cancelled => End::Broken,
                        0 => End::Kept(life.rng.next()),
                        1 => End::Failed(life.rng.next()),
                        _ => End::Broken,
                    };
                    end(promise, &model, how);
                }
                None => *current = Current::new(),
            }
            return;
        }
        let (promised, model) = (current.promised.clone(), Arc::clone(&current.model));
        drop(current);
        let (number, start) = (life.number, Instant::now());
        let ended = lock(&model).how.is_some();
        assert_eq!(promised.is_set(), ended);
        assert_eq!(promised.try_get().is_some(), ended);
        if !ended {
            life.world.count(WAITED);
        }
        let patience = life.some_patience();
        let mut timed_out = false;
        let got = life.wait_for(patience, |limit| match limit.map(|limit| promised.get_timeout(limit)) {
            Some(Err(PromiseError::TimedOut)) => {
                timed_out = true;
                None
            }
            Some(result) => Some(result),
            None => Some(promised.get()),
        });
        let mut model = lock(&model);
        let Some(result) = got else {
            // With a limit of zero others run after the last look.
            assert!(model.how.is_none() || patience.is_none(), "{number} is to get it: {model:?}");
            if let (Patience::Own(limit), true) = (patience, timed_out) {
                assert_eq!(Instant::now(), start + limit, "{number} has its time");
            }
            return;
        };
        let (how, at) = model.how.expect("nobody gets what was not given");
        assert_eq!(Instant::now(), at.max(start), "{number} gets it at another time");
        let as_said = match (how, &result) {
            (End::Kept(value), Ok(got)) => *got == value,
            (End::Failed(error), Err(got @ PromiseError::Failed(_))) => got.to_string() == error.to_string(),
            (End::Broken, Err(got)) => *got == PromiseError::Broken,
            _ => false,
        };
        assert!(as_said, "{number} gets {result:?}: {model:?}");
        assert_eq!(*model.read.get_or_insert_with(|| result.clone()), result, "{number} gets another one");
    }

    fn end(&self) {
        let current = lock(&self.0);
        assert_eq!(current.promised.is_set(), lock(&current.model).how.is_some());
    }
}
