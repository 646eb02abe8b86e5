//! A DNS server, `dnsmasq`, which knows what a test tells it and asks nobody else.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use crate::tools::Child;
use crate::tools::Folder;
use crate::tools::Ports;
use crate::tools::free_ports;
use crate::tools::within;

/// A server of names, until it is dropped.
pub struct Dns {
    // The process ends before its folder goes.
    process: Child,
    folder: Folder,
    ports: Ports,
}

impl Dns {
    /// Begins to answer: `services` are SRV records, as `_sip._udp.a.test,b.test,5060,10,0`; `hosts` are names of this machine.
    pub fn start(services: &[String], hosts: &[&str]) -> Dns {
        let folder = Folder::new("dns");
        let ports = free_ports(1);
        let mut command = Command::new("dnsmasq");
        command.args([
            "--keep-in-foreground",
            "--log-facility=-",
            "--conf-file=/dev/null",
            "--pid-file=",
            "--user=root",
        ]);
        command.args(["--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts"]);
        command.args(["--local=/test/", "--local-ttl=1", &format!("--port={}", ports.first)]);
        command.arg(format!("--addn-hosts={}", hosts_file(&folder).display()));
        command.args(services.iter().map(|service| format!("--srv-host={service}")));
        fs::write(hosts_file(&folder), lines(hosts)).expect("room on the disk");
        let process = Child::start(&mut command, &folder.path().join("log"));
        within(10, "dnsmasq answers", || TcpStream::connect(("127.0.0.1", ports.first)).ok());
        Dns { process, folder, ports }
    }

    /// These are the names of this machine from now on.
    pub fn knows(&self, hosts: &[&str]) {
        fs::write(hosts_file(&self.folder), lines(hosts)).expect("room on the disk");
        self.process.signal("HUP");
    }

    pub fn port(&self) -> u16 {
        self.ports.first
    }
}

fn hosts_file(folder: &Folder) -> PathBuf {
    folder.path().join("hosts")
}

fn lines(hosts: &[&str]) -> String {
    hosts.iter().map(|host| format!("127.0.0.1 {host}\n")).collect()
}
