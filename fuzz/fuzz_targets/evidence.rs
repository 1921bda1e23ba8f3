#![no_main]

#[path = "../../crates/auditlog/tests/support/mod.rs"]
mod support;
#[path = "../../crates/auditlog/tests/fuzz/targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    targets::witnessing::evidence(data);
});
