//! SIPp's scenarios, written where they are read: one line a message. What every message needs (RFC 3261 §8.1.1)
//! is filled in here; what a test is about, it says itself.

use std::fmt::Write;

/// What the line beside the script takes: PCMU and keys as events.
pub const PCMU: &str = "m=audio [rtp_port] RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\n\
                        a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n";

/// A caller's scenario.
#[derive(Clone, Debug, Default)]
pub struct Script {
    steps: String,
    cseq: u32,
    /// Counts transactions: each has a branch of its own.
    branch: u32,
    /// The branch and the number of the last INVITE, for what belongs to it.
    invite: (u32, u32),
    /// Whether the INVITE was answered: from then on requests go to the peer's Contact.
    in_dialog: bool,
}

impl Script {
    /// A scenario that begins with an INVITE; with no `media`, an INVITE that asks for an offer.
    pub fn invite(headers: &[&str], media: Option<&str>) -> Script {
        Script::default().send_invite(headers, media)
    }

    /// A scenario that begins with an INVITE of a gateway of telephone networks: its own network's message stands beside the
    /// offer, and is to be understood or may be left out (`handling`).
    pub fn invite_with_isup(media: &str, handling: &str) -> Script {
        let mut script = Script { branch: 1, cseq: 1, invite: (1, 1), ..Script::default() };
        let (kind, sdp) = describe(media);
        let isup =
            format!("application/ISUP;version=itu-t92+\nContent-Disposition: signal;handling={handling}");
        let body = format!(
            "--part\nContent-Type: {kind}\n\n{sdp}\n--part\nContent-Type: {isup}\n\n01004900\n--part--\n"
        );
        script = script.message(
            "INVITE",
            1,
            1,
            true,
            &["MIME-Version: 1.0"],
            Some(&("multipart/mixed;boundary=part".to_owned(), body)),
        );
        script
    }

    /// A scenario that begins with any other request.
    pub fn begin(method: &str, headers: &[&str]) -> Script {
        Script::default().request(method, headers, None)
    }

    /// An INVITE: the first one, or a new offer within the session.
    pub fn send_invite(mut self, headers: &[&str], media: Option<&str>) -> Script {
        self.branch += 1;
        self.cseq += 1;
        self.invite = (self.branch, self.cseq);
        let (branch, cseq) = self.invite;
        self.message("INVITE", branch, cseq, true, headers, media.map(describe).as_ref())
    }

    /// The INVITE once more, as a network that lost our first one would see it.
    pub fn invite_again(self, headers: &[&str], media: Option<&str>) -> Script {
        let (branch, cseq) = self.invite;
        self.message("INVITE", branch, cseq, false, headers, media.map(describe).as_ref())
    }

    /// A request with a body of this type.
    pub fn request(mut self, method: &str, headers: &[&str], body: Option<(&str, &str)>) -> Script {
        self.branch += 1;
        self.cseq += 1;
        let body = body.map(|(kind, body)| (kind.to_owned(), body.to_owned()));
        let (branch, cseq) = (self.branch, self.cseq);
        self.message(method, branch, cseq, true, headers, body.as_ref())
    }

    /// A new offer by UPDATE (RFC 3311).
    pub fn update(self, media: &str) -> Script {
        let (kind, body) = describe(media);
        self.request("UPDATE", &[], Some((&kind, &body)))
    }

    /// Acknowledges a 2xx; with `media` this is the answer to the offer in it.
    pub fn ack(mut self, media: Option<&str>) -> Script {
        self.in_dialog = true;
        self.branch += 1;
        let (branch, cseq) = (self.branch, self.invite.1);
        self.message("ACK", branch, cseq, false, &[], media.map(describe).as_ref())
    }

    /// Acknowledges a refusal: within the INVITE's transaction (RFC 3261 §17.1.1.3).
    pub fn ack_refusal(self) -> Script {
        let (branch, cseq) = self.invite;
        self.message("ACK", branch, cseq, false, &[], None)
    }

    pub fn cancel(self) -> Script {
        let (branch, cseq) = self.invite;
        self.message("CANCEL", branch, cseq, true, &[], None)
    }

    /// Waits for a response.
    pub fn expect(mut self, status: u16) -> Script {
        self.step(&format!("<recv response=\"{status}\" rrs=\"true\"/>"));
        self
    }

    /// Waits for a provisional response that must be acknowledged (RFC 3262).
    pub fn expect_reliable(mut self, status: u16) -> Script {
        self.step(&format!(
            "<recv response=\"{status}\" rrs=\"true\"><action><ereg regexp=\"[0-9]+\" search_in=\"hdr\" \
             header=\"RSeq:\" check_it=\"true\" assign_to=\"rseq\"/></action></recv>"
        ));
        self
    }

    /// Acknowledges it.
    pub fn prack(self) -> Script {
        let rack = format!("RAck: [$rseq] {} INVITE", self.invite.1);
        self.request("PRACK", &[&rack], None)
    }

    /// Lets a response come here, or not.
    pub fn may_get(mut self, status: u16) -> Script {
        self.step(&format!("<recv response=\"{status}\" optional=\"true\" rrs=\"true\"/>"));
        self
    }

    /// Waits for a request, and says 200.
    pub fn answer(mut self, method: &str) -> Script {
        self.step(&format!("<recv request=\"{method}\"/>"));
        self.send(
            "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n\
             Content-Length: 0\n\n",
            false,
        );
        self
    }

    /// Waits until the test says that it goes on.
    pub fn until_told(mut self) -> Script {
        self.step("<recv request=\"OPTIONS\"/>");
        self
    }

    pub fn wait_ms(mut self, milliseconds: u32) -> Script {
        self.step(&format!("<pause milliseconds=\"{milliseconds}\"/>"));
        self
    }

    /// Rings until the answer, and acknowledges it.
    pub fn until_answered(self) -> Script {
        self.may_get(100).may_get(180).may_get(183).expect(200).ack(None)
    }

    /// Hangs up.
    pub fn leaves(self) -> Script {
        self.request("BYE", &[], None).expect(200)
    }

    /// As SIPp reads it.
    pub fn xml(&self) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE scenario SYSTEM \"sipp.dtd\">\n\
             <scenario name=\"a caller\">\n{}</scenario>\n",
            self.steps,
        )
    }

    fn message(
        mut self,
        method: &str,
        branch: u32,
        cseq: u32,
        again: bool,
        headers: &[&str],
        body: Option<&(String, String)>,
    ) -> Script {
        let there = if self.in_dialog { "[next_url]" } else { "sip:[service]@[remote_ip]:[remote_port]" };
        let tag =
            if self.in_dialog || method == "PRACK" || method == "ACK" { "[peer_tag_param]" } else { "" };
        let mut text = format!(
            "{method} {there} SIP/2.0\n\
             Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK[pid]-[call_number]-{branch};rport\n\
             Max-Forwards: 70\n\
             From: <sip:[caller]@[local_ip]:[local_port]>;tag=[pid]e2e[call_number]\n\
             To: <sip:[service]@[remote_ip]:[remote_port]>{tag}\n\
             Call-ID: [call_id]\n\
             CSeq: {cseq} {method}\n\
             Contact: <sip:[caller]@[local_ip]:[local_port];transport=[transport]>\n"
        );
        for header in headers {
            writeln!(text, "{header}").expect("a string grows");
        }
        match body {
            Some((kind, body)) => {
                write!(text, "Content-Type: {kind}\nContent-Length: [len]\n\n{body}")
                    .expect("a string grows");
            }
            None => text.push_str("Content-Length: 0\n\n"),
        }
        self.send(&text, again);
        self
    }

    fn send(&mut self, text: &str, again: bool) {
        let again = if again { " retrans=\"500\"" } else { "" };
        self.step(&format!("<send{again}><![CDATA[\n{text}]]></send>"));
    }

    fn step(&mut self, step: &str) {
        self.steps.push_str(step);
        self.steps.push('\n');
    }
}

/// A description of one audio stream to the line beside the script.
fn describe(media: &str) -> (String, String) {
    let head =
        "v=0\no=- 1 1 IN IP[local_ip_type] [local_ip]\ns=-\nc=IN IP[local_ip_type] [local_ip]\nt=0 0\n";
    ("application/sdp".to_owned(), format!("{head}{media}"))
}
