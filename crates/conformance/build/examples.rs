//! The examples in std's documentation, as those of items that stand for them.

use std::{fmt::Write, fs, path::Path};

/// Where they are, in `library/std/src`.
const FILES: &[&str] = &[
    "net/mod.rs",
    "net/socket_addr.rs",
    "net/tcp.rs",
    "net/udp.rs",
    "os/net/linux_ext/tcp.rs",
    "sync/barrier.rs",
    "sync/lazy_lock.rs",
    "sync/mod.rs",
    "sync/mpsc.rs",
    "sync/once.rs",
    "sync/once_lock.rs",
    "sync/poison.rs",
    "sync/poison/condvar.rs",
    "sync/poison/mutex.rs",
    "sync/poison/rwlock.rs",
    "thread/builder.rs",
    "thread/current.rs",
    "thread/functions.rs",
    "thread/id.rs",
    "thread/join_handle.rs",
    "thread/local.rs",
    "thread/mod.rs",
    "thread/scoped.rs",
    "thread/thread.rs",
    "time.rs",
];

/// What stands in an example that sward does otherwise.
const OTHERWISE: &[&str] = &[
    // A recursion of thousands of calls: a green thread's stack is smaller.
    "struct OnceList<T>",
    // The error of a join as a `Box<dyn Any + Send>` by type: it says `into` with sward.
    "panic::resume_unwind(e)",
];

/// All of them that need nothing unstable, each as the documentation of a function.
pub(crate) fn of_std(library: &Path, adapt: impl Fn(&str) -> String) -> String {
    let mut all = String::new();
    for file in FILES {
        let path = library.join("std/src").join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for example in in_documentation(&text) {
            let code = adapt(&example.code);
            let line = example.line;
            let name = file.trim_end_matches(".rs").replace('/', "_");
            let doc: String = code.lines().map(|line| format!("/// {line}\n")).collect();
            write!(all, "/// ```{}\n{doc}/// ```\npub fn {name}_{line}() {{}}\n", example.attributes)
                .expect("a string can be written");
        }
    }
    all
}

struct Example {
    attributes: String,
    code: String,
    line: usize,
}

fn in_documentation(text: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut open: Option<Example> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let Some(line) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
            open = None;
            continue;
        };
        let line = line.strip_prefix(' ').unwrap_or(line);
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(attributes), None) => {
                let (attributes, code) = (attributes.trim().to_owned(), String::new());
                open = Some(Example { attributes, code, line: index + 1 });
            }
            (Some(_), Some(example)) => examples.push(example),
            (None, Some(mut example)) => {
                example.code += line;
                example.code.push('\n');
                open = Some(example);
            }
            (None, None) => {}
        }
    }
    examples.retain(Example::can_be_run);
    examples
}

impl Example {
    fn can_be_run(&self) -> bool {
        let is_code = ["", "no_run", "should_panic", "compile_fail", "rust"];
        let attributes = self.attributes.split(',').next().unwrap_or_default();
        is_code.contains(&attributes)
            && !self.code.contains("feature(")
            && !OTHERWISE.iter().any(|word| self.code.contains(word))
    }
}
