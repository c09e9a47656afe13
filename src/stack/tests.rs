//! What slabs, pools and guards promise together. What kills or changes a process runs in a [`child`].

use std::{collections::HashSet, time::Duration};

use super::{guard::Guarding, *};
use crate::sys::mem;

fn many(pool: &mut StackPool, class: StackClass, count: usize) -> Vec<Stack> {
    (0..count).map(|_| pool.take(class).unwrap()).collect()
}

/// A class that no other test uses, so that counts and free lists are this test's own.
fn class_of_its_own(guard_pages: u8) -> StackClass {
    StackClass::for_size(16 << 10).unwrap().with_guard(guard_pages)
}

#[cfg(linux_like)]
fn resident_pages(stacks: &[Stack]) -> usize {
    stacks.iter().map(|stack| mem::resident_pages(stack.memory())).sum()
}

#[cfg(linux_like)]
fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

#[test]
fn a_stack_is_writable_from_its_guard_to_its_base() {
    let mut pool = StackPool::new();
    for class in [StackClass::DEFAULT, StackClass::for_size(0).unwrap(), StackClass::DEFAULT.with_guard(3)] {
        let stack = pool.take(class).unwrap();
        assert_eq!(stack.class().size(), class.size());
        assert_eq!(stack.limit().get(), stack.guard().start);
        assert_eq!(stack.guard().len(), class.guard_size());
        assert_eq!(stack.memory().len(), class.size());
        for address in (stack.guard().end..stack.base().get()).rev() {
            child::touch(address);
        }
    }
}

#[test]
fn colours_differ_and_leave_most_of_the_first_page() {
    let mut pool = StackPool::new();
    let stacks = many(&mut pool, class_of_its_own(2), 64);
    let colours: HashSet<usize> = stacks.iter().map(|stack| stack.top() - stack.base().get()).collect();
    assert_eq!(colours.len(), COLOURS);
    assert!(colours.iter().all(|colour| colour % COLOUR_STEP == 0 && *colour <= 1024));
    assert!(stacks.iter().all(|stack| stack.base().get() % 16 == 0));
    assert!(stacks.iter().all(|stack| stack.top() % mem::page_size() == 0));
}

#[test]
fn no_two_stacks_overlap() {
    let mut pool = StackPool::new();
    let mut other = StackPool::new();
    let mut stacks = many(&mut pool, StackClass::DEFAULT, 300);
    stacks.extend(many(&mut other, StackClass::DEFAULT, 300));
    stacks.extend(many(&mut other, class_of_its_own(3), 300));
    stacks.sort_by_key(|stack| stack.limit());
    assert!(stacks.windows(2).all(|pair| pair[0].top() <= pair[1].limit().get()));
}

#[test]
fn the_stack_given_last_is_taken_first() {
    let mut pool = StackPool::new();
    let [first, second] = [(); 2].map(|()| pool.take(StackClass::DEFAULT).unwrap());
    let (a, b) = (first.base(), second.base());
    pool.give(first);
    pool.give(second);
    assert_eq!(pool.take(StackClass::DEFAULT).unwrap().base(), b);
    assert_eq!(pool.take(StackClass::DEFAULT).unwrap().base(), a);
}

#[test]
fn a_dropped_stack_and_the_overflow_of_a_pool_serve_others() {
    let class = class_of_its_own(4);
    let mut pool = StackPool::new();
    let stacks = many(&mut pool, class, 10_000);
    let bases: HashSet<_> = stacks.iter().map(Stack::base).collect();
    for (i, stack) in stacks.into_iter().enumerate() {
        // A third is dropped, as when a fiber dies away from its worker.
        if i % 3 == 0 { drop(stack) } else { pool.give(stack) }
    }
    assert!(pool.len() <= 4096, "{} are cached", pool.len());
    let others = many(&mut StackPool::new(), class, 5000);
    assert!(others.iter().all(|stack| bases.contains(&stack.base())));
}

#[test]
#[cfg(linux_like)]
fn trimming_gives_back_what_was_not_needed_for_a_while() {
    let mut pool = StackPool::new();
    let class = class_of_its_own(5);
    let stacks = many(&mut pool, class, 64);
    let ranges: Vec<_> = stacks.iter().map(Stack::memory).collect();
    let resident = || ranges.iter().filter(|range| mem::resident_pages((*range).clone()) > 0).count();
    stacks.iter().for_each(|stack| child::touch(stack.base().get() - 1));
    stacks.into_iter().for_each(|stack| pool.give(stack));
    let second = Duration::from_secs(1);

    assert!(pool.trim(second), "there is memory to be given back");
    assert_eq!(resident(), 64, "but all of it was in use a moment ago");
    let needed = many(&mut pool, class, 8);
    needed.into_iter().for_each(|stack| pool.give(stack));
    assert!(pool.trim(second + Duration::from_millis(1)));
    assert_eq!(resident(), 64, "not even a second went by");
    assert!(pool.trim(2 * second));
    assert_eq!(resident(), 8, "the other 56 were not needed for a second");
    pool.trim(3 * second);
    assert_eq!(resident(), 0);
    assert!(pool.is_empty());

    let again = pool.take(class).unwrap();
    child::touch(again.base().get() - 1);
}

#[test]
#[cfg(linux_like)]
fn a_dropped_pool_leaves_no_memory_behind() {
    let mut pool = StackPool::new();
    let stacks = many(&mut pool, class_of_its_own(6), 40);
    stacks.iter().for_each(|stack| child::touch(stack.base().get() - 1));
    assert_eq!(resident_pages(&stacks), 40);
    let ranges: Vec<_> = stacks.iter().map(Stack::memory).collect();
    stacks.into_iter().for_each(|stack| pool.give(stack));
    drop(pool);
    assert_eq!(ranges.into_iter().map(mem::resident_pages).sum::<usize>(), 0);
}

#[test]
#[cfg(linux_like)]
fn a_touched_stack_costs_one_page() {
    let stacks = many(&mut StackPool::new(), class_of_its_own(7), 100);
    assert_eq!(resident_pages(&stacks), 0, "guards alone need no memory");
    stacks.iter().for_each(|stack| child::touch(stack.base().get() - 1));
    assert_eq!(resident_pages(&stacks), 100);
}

#[test]
#[cfg(linux_like)]
fn a_hundred_thousand_stacks_need_few_mappings() {
    if Guarding::chosen() == Guarding::Protected {
        return; // That is what it is for; the next test.
    }
    let mut pool = StackPool::new();
    let stacks = many(&mut pool, StackClass::for_size(8 << 10).unwrap().with_guard(2), 100_000);
    assert!(mappings() < 100 + 60, "{} mappings", mappings());
    let stats = stats();
    assert!(stats.slabs < 60 && stats.carved >= stacks.len(), "{stats:?}");
}

#[test]
#[cfg(linux_like)]
fn without_markers_the_limit_of_mappings_is_named() {
    let name = "stack::tests::without_markers_the_limit_of_mappings_is_named";
    let ended = child::run(name, &[("SWARD_GUARD", "mprotect")], || {
        assert_eq!(Guarding::chosen(), Guarding::Protected);
        let most: usize =
            std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap().trim().parse().unwrap();
        let mut pool = StackPool::new();
        let mut stacks = Vec::with_capacity(most);
        let error = loop {
            match pool.take(StackClass::DEFAULT) {
                Ok(stack) if stacks.len() < most => stacks.push(stack),
                Ok(_) => return eprintln!("no limit was met"),
                Err(error) => break error,
            }
        };
        assert!(stacks.len() > most / 16 * 7, "{} stacks", stacks.len());
        assert!(mappings() < most / 16 * 15 + 500, "{} mappings", mappings());
        let source = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(source.kind(), std::io::ErrorKind::OutOfMemory);
        assert!(source.raw_os_error().is_some());
        // What was given back is there to be taken, in spite of the limit.
        pool.give(stacks.pop().unwrap());
        child::touch(pool.take(StackClass::DEFAULT).unwrap().base().get() - 1);
        eprintln!("said: {error}");
    });
    assert!(ended.success, "{ended:?}");
    if !ended.stderr.contains("no limit was met") {
        assert!(ended.stderr.contains("raise it (`sysctl -w vm.max_map_count="), "{ended:?}");
    }
}

#[test]
#[cfg(linux_like)]
fn an_exhausted_address_space_is_an_error_that_says_so() {
    let name = "stack::tests::an_exhausted_address_space_is_an_error_that_says_so";
    let ended = child::run(name, &[], || {
        let mut pool = StackPool::new();
        mem::limit_address_space(4 << 30);
        let mut stacks = Vec::with_capacity(200_000);
        let error = loop {
            match pool.take(StackClass::DEFAULT) {
                Ok(stack) => stacks.push(stack),
                Err(error) => break error,
            }
        };
        // The last slabs shrink to fit, so that little of the limit is left.
        assert!(stacks.len() > (3 << 30) / StackClass::DEFAULT.stride(), "{} stacks", stacks.len());
        drop(stacks);
        eprintln!("said: {error}");
    });
    assert!(ended.success, "{ended:?}");
    assert!(ended.stderr.contains("no memory can be mapped for a stack of 65536 bytes"), "{ended:?}");
    assert!(ended.stderr.contains("ulimit -v"), "{ended:?}");
}

#[test]
#[cfg(linux_like)]
fn every_way_of_guarding_makes_a_guard() {
    for way in ["batched", "marked", "mprotect"] {
        let ended =
            child::run("stack::tests::every_way_of_guarding_makes_a_guard", &[("SWARD_GUARD", way)], || {
                let stacks = many(&mut StackPool::new(), StackClass::DEFAULT, 40);
                stacks.iter().for_each(|stack| child::touch(stack.guard().end));
                child::touch(stacks[39].guard().end - 1);
            });
        assert_eq!(ended.signal, Some(child::SIGSEGV), "{way}: {ended:?}");
    }
}

/// Runs a part of a test in a process of its own: this test binary again, with that test alone.
pub(super) mod child {
    use std::{os::unix::process::ExitStatusExt, process::Command};

    pub(crate) const SIGABRT: i32 = 6;
    pub(crate) const SIGSEGV: i32 = 11;
    const ROLE: &str = "SWARD_STACK_TEST_CHILD";

    #[derive(Debug)]
    #[allow(dead_code)] // Read when an assertion prints it.
    pub(crate) struct Ended {
        pub(crate) success: bool,
        pub(crate) signal: Option<i32>,
        pub(crate) stderr: String,
        stdout: String,
    }

    /// To be called in the test `name`: in the test itself this starts the child and waits for its end, in the child
    /// it runs `part` and exits.
    pub(crate) fn run(name: &str, env: &[(&str, &str)], part: impl FnOnce()) -> Ended {
        if std::env::var_os(ROLE).is_some() {
            part();
            std::process::exit(0);
        }
        // The modules may lie deeper, or at the root of a crate for their development.
        let prefix = module_path!().split_once("::").and_then(|(_, path)| path.split_once("stack::"));
        let name = format!("{}{name}", prefix.map_or("", |(prefix, _)| prefix));
        let output = Command::new(std::env::current_exe().unwrap())
            .args([&name, "--exact", "--nocapture", "--test-threads=1"])
            .env(ROLE, "1")
            .envs(env.iter().copied())
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(stdout.contains("running 1 test"), "no test is called {name}");
        Ended {
            success: output.status.success(),
            signal: output.status.signal(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            stdout,
        }
    }

    /// Writes a byte to an address, come what may.
    #[allow(unsafe_code)]
    pub(crate) fn touch(address: usize) {
        // SAFETY: either the address is in a stack that the test holds, and nothing else is there; or in no memory
        // at all, and the process is a child that shall die of it.
        unsafe { std::ptr::without_provenance_mut::<u8>(address).write_volatile(1) };
    }
}
