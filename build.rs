//! Names the abilities of the platform as cfgs, so that the source asks for what it needs and not for where it runs.

use cfg_aliases::cfg_aliases;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    cfg_aliases! {
        // Guard pages without a mapping each (`MADV_GUARD_INSTALL`), futexes, `ppoll`.
        linux_like: { any(target_os = "linux", target_os = "android") },
    }
}
