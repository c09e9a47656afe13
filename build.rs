//! Names the abilities of the platform as cfgs, so that the source asks for what it needs and not for where it runs.

use cfg_aliases::cfg_aliases;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    cfg_aliases! {
        // Guard pages without a mapping each (`MADV_GUARD_INSTALL`), futexes, `ppoll`.
        linux_like: { any(target_os = "linux", target_os = "android") },
        // Sockets' system calls by their numbers, as these three have them (see `sys::socket`).
        bare_calls: { all(
            target_os = "linux",
            any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"),
            not(feature = "sanitizer")
        ) },
    }
}
