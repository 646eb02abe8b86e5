//! SIPp as the caller: its scenario does the signalling, a [`Line`] the talking.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::line::Line;
use crate::tone;
use crate::tools::Child;
use crate::tools::Folder;
use crate::tools::free_ports;
use crate::tools::within;

/// One call by SIPp.
pub struct Sipp {
    process: Child,
    pub line: Line,
    pub sip_call_id: String,
    folder: Folder,
}

impl Sipp {
    /// Dials `number` with one of the scenarios in `tests/e2e/sipp/`. `leaves_after_ms` is when a caller who
    /// leaves does so.
    pub fn dial(server: &str, number: &str, from: &str, scenario: &str, leaves_after_ms: u32) -> Sipp {
        let folder = Folder::new(scenario);
        let line = Line::open(tone::CALLER_HZ);
        let port = free_ports(2);
        let sip_call_id = format!("e2e-{}-{port}", std::process::id());
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/e2e/sipp/{scenario}.xml"));
        let mut command = Command::new("sipp");
        command
            .current_dir(folder.path())
            .arg(server)
            .arg("-sf")
            .arg(file)
            .args(["-i", "127.0.0.1", "-p", &port.to_string(), "-m", "1", "-s", number, "-nostdin"])
            .args(["-key", "caller", from, "-key", "rtp_port", &line.port.to_string()])
            .args(["-cid_str", &sip_call_id, "-d", &leaves_after_ms.to_string()])
            .args(["-timeout", "100s", "-timeout_error", "-recv_timeout", "95000"])
            .args(["-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages"]);
        let process = Child::start(&mut command, &folder.path().join("screen"));
        Sipp { process, line, sip_call_id, folder }
    }

    /// Waits for the scenario's end, and fails when it did not go as written.
    pub fn ends_well(mut self, seconds: u64) {
        let status = within(seconds, "SIPp's scenario ends", || self.process.ended());
        let errors = fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default();
        assert!(status.success(), "SIPp ended with {status}: {errors}");
    }
}
