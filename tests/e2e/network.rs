//! An agent's network goes away for ten seconds under a talk, and comes back.

use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

/// How long the network is gone.
const CUT: Duration = Duration::from_secs(10);

/// The network between one browser and the server's UDP port: what one sends reaches the other, unless it is cut.
struct Network {
    port: u16,
    cut: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Network {
    fn to(server: SocketAddr) -> Network {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        let port = socket.local_addr().expect("bound").port();
        let (cut, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (is_cut, is_over) = (cut.clone(), over.clone());
        let thread = thread::spawn(move || {
            // One browser has one address after the other, the newest in use.
            let mut browser = None;
            let mut packet = [0; 2048];
            while !is_over.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut packet) else { continue };
                if from != server {
                    browser = Some(from);
                }
                let to = if from == server { browser } else { Some(server) };
                if let Some(to) = to.filter(|_| !is_cut.load(Ordering::Relaxed)) {
                    // A peer that is gone refuses: that is its business.
                    let _ = socket.send_to(&packet[..length], to);
                }
            }
        });
        Network { port, cut, over, thread: Some(thread) }
    }

    fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn a_talk_goes_on_after_the_agents_network_was_gone_for_ten_seconds() {
    if !browsers_available("a_talk_goes_on_after_…") || !available("…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let network = Network::to(server.webrtc());
    let mut agent = Browser::start(AGENT_HZ);
    // The browser is told the network's port in place of the server's.
    agent.run(&format!(
        "await page.addInitScript(() => {{
           const set = RTCPeerConnection.prototype.setRemoteDescription;
           RTCPeerConnection.prototype.setRemoteDescription = function ({{ type, sdp }}) {{
             return set.call(this, {{ type, sdp: sdp.replaceAll(' {} ', ' {} ') }});
           }};
         }})",
        server.webrtc().port(),
        network.port
    ));
    agent.is_agent(&server, "alice");
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let call = agent.rings(20);
    agent.picks_up(call);
    agent.hears("phone", CALLER_HZ, 10);
    within(10, "the agent is heard", || (caller.line.heard(AGENT_HZ) >= 1.0).then_some(()));

    let gone = Instant::now();
    network.cut(true);
    server.story_of(call, "desk_lost", 15);
    agent.sees("the page knows it", 15, "phone.state !== 'up'");
    thread::sleep(CUT.saturating_sub(gone.elapsed()));
    assert_eq!(server.agent_state("alice"), "talking", "the line is kept");
    network.cut(false);
    server.story_of(call, "desk_back", 10);
    agent.sees("the phone is up again", 10, "phone.state === 'up'");
    agent.hears("phone", CALLER_HZ, 10);
    let before = caller.line.heard(AGENT_HZ);
    within(10, "the agent is heard again", || (caller.line.heard(AGENT_HZ) >= before + 1.0).then_some(()));
    agent.look(&format!("phone.hangUp({call})"));
    caller.ends_well(10);
    let story = server.story_of(call, "call_ended", 5);
    assert_eq!(story.only("talk_ended")["by"], "agent");
    assert_eq!(story.all("agent_connected").len(), 1, "one talk");
}
