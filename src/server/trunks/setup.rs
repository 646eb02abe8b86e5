//! What follows from the center's file, the environment and DNS for the trunks: what the SIP side is told of each, where calls go out, by
//! which name a certificate is known.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::resolver::Dns;
use super::resolver::Places;
use super::resolver::Resolver;
use super::resolver::Wanted;
use crate::base::Name;
use crate::base::Secret;
use crate::flow;
use crate::flow::Center;
use crate::flow::center::Site;
use crate::flow::center::Trunk;
use crate::flow::center::TrunkAccount;
use crate::sip::Hop;
use crate::sip::TrunkConfig;
use crate::sip::TrunkRegistration;
use crate::sip::TrunkTrouble;
use crate::sip::digest::Credentials;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;
use crate::wire::tls::TlsClient;
use crate::wire::tls::TlsError;

/// DNS is waited for so long at the start; what it says later is heard then.
const FIRST: Duration = Duration::from_secs(3);

/// Where SIP is bound.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub udp: SocketAddr,
    pub tcp: SocketAddr,
    pub tls: Option<SocketAddr>,
}

impl Bound {
    /// None where nothing is bound for it. Browsers alone open the connections of the web.
    pub fn at(self, transport: Transport) -> Option<SocketAddr> {
        match transport {
            Transport::Udp => Some(self.udp),
            Transport::Tcp => Some(self.tcp),
            Transport::Tls => self.tls,
            Transport::Ws | Transport::Wss => None,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Setup {
    pub trunks: Vec<TrunkConfig>,
    /// Where each trunk that takes calls is called, the first to be tried first. Nothing where its name leads nowhere.
    pub ways_out: BTreeMap<Name, Vec<SocketAddr>>,
    /// What the certificates of peers are to say, where it is not their address.
    pub certificates: Vec<(SocketAddr, String)>,
    /// What keeps a trunk from knowing who we are.
    pub unproved: Vec<(Name, String)>,
}

/// Keeps what is known of trunks in step with the center's file and with DNS.
pub struct TrunkKeeper {
    center: Arc<Center>,
    bound: Bound,
    /// What connections to trunks over TLS are opened with, where there are such.
    tls: Option<TlsClient>,
    resolver: Resolver,
    unproved: Vec<(Name, String)>,
}

impl TrunkKeeper {
    /// Begins, with what DNS says within a few seconds.
    pub async fn start(
        center: Arc<Center>,
        bound: Bound,
        tls: Option<TlsClient>,
        server: Option<SocketAddr>,
    ) -> io::Result<TrunkKeeper> {
        let dns = Dns { server, ipv6: bound.udp.is_ipv6() };
        let mut resolver = Resolver::start(dns, names(&center))?;
        resolver.first(FIRST).await;
        Ok(TrunkKeeper { center, bound, tls, resolver, unproved: Vec::new() })
    }

    /// Trunks are those of this center from now on.
    pub fn know(&mut self, center: Arc<Center>) {
        self.resolver.want(names(&center));
        self.center = center;
    }

    /// Returns when names lead elsewhere.
    pub async fn changed(&mut self) {
        self.resolver.changed().await;
    }

    /// What follows from all this now. The log has what keeps a trunk from knowing who we are, once.
    pub fn setup(&mut self) -> Result<Setup, TlsError> {
        let setup = setup(&self.center, self.bound, &self.resolver.places());
        for (trunk, why) in setup.unproved.iter().filter(|unproved| !self.unproved.contains(unproved)) {
            warn!(%trunk, "{why}: we are not registered at the trunk, and not proved in calls");
        }
        self.unproved.clone_from(&setup.unproved);
        if let Some(tls) = &self.tls {
            tls.know(&setup.certificates)?;
        }
        Ok(setup)
    }
}

/// The names that have to be looked up.
pub fn names(center: &Center) -> BTreeSet<Wanted> {
    let of = |trunk: &Trunk| {
        let registrar = trunk.register.as_ref().map(|register| Site::of(&register.registrar));
        let sites = trunk.sources.iter().chain(&trunk.outbound).cloned().chain(registrar);
        let transport = trunk.transport;
        let wanted = move |site| match site {
            Site::Address(..) => None,
            Site::Name(host, port) => Some(Wanted { host, port, transport }),
        };
        sites.filter_map(wanted).collect::<Vec<_>>()
    };
    center.trunks.iter().flat_map(of).collect()
}

/// Where a site is, as far as that is known; or why it is not.
fn located(site: &Site, transport: Transport, places: &Places) -> Result<Vec<SocketAddr>, String> {
    match site {
        Site::Address(address, port) => {
            Ok(vec![SocketAddr::new(*address, port.unwrap_or(transport.default_port()))])
        }
        Site::Name(host, port) => {
            let wanted = Wanted { host: host.clone(), port: *port, transport };
            match places.get(&wanted) {
                Some(found) => found.clone().map_err(|why| format!("its name {wanted} leads nowhere: {why}")),
                None => Err(format!("its name {wanted} is being looked up")),
            }
        }
    }
}

/// See the module.
pub fn setup(center: &Center, bound: Bound, places: &Places) -> Setup {
    let mut setup = Setup {
        trunks: Vec::new(),
        ways_out: BTreeMap::new(),
        certificates: Vec::new(),
        unproved: Vec::new(),
    };
    for trunk in &center.trunks {
        let credentials = trunk.account.as_ref().map(credentials);
        let why = credentials.as_ref().and_then(|found| found.as_ref().err());
        setup.unproved.extend(why.map(|why| (trunk.name.clone(), why.clone())));
        let of = |site: &Site| located(site, trunk.transport, places);
        let known = |site: &Site| of(site).unwrap_or_default();
        let register = trunk.register.as_ref();
        let registrar = register.map(|register| Site::of(&register.registrar));
        let registration = register.zip(registrar.as_ref()).zip(credentials.as_ref()).map(
            |((wanted, site), credentials)| {
                registration(wanted, trunk.transport, credentials.as_ref(), bound, of(site))
            },
        );
        let out = trunk.outbound.as_ref();
        setup.ways_out.extend(out.map(|site| (trunk.name.clone(), known(site))));
        for site in registrar.iter().chain(out) {
            // The name by which we know it is the certificate's, wherever DNS has led us to (RFC 5922 §7.2).
            let of_registrar = registrar.as_ref().and_then(Site::name);
            let name = trunk.certificate_name.as_deref().or(site.name()).or(of_registrar);
            let named = name
                .into_iter()
                .flat_map(|name| known(site).into_iter().map(move |at| (at, name.to_owned())));
            setup.certificates.extend(named);
        }
        setup.trunks.push(TrunkConfig {
            name: trunk.name.clone(),
            sources: trunk.sources.iter().flat_map(known).map(|at| at.ip()).collect(),
            trusted: trunk.trusted,
            credentials: credentials.and_then(Result::ok),
            registration,
        });
    }
    setup
}

/// Who we are to a trunk that asks; or why that cannot be proved.
fn credentials(account: &TrunkAccount) -> Result<Credentials, String> {
    let Ok(password) = std::env::var(&account.password_env) else {
        return Err(format!("its password {} is not in the environment", account.password_env));
    };
    Ok(Credentials { username: account.username.clone(), password: Secret::new(password) })
}

/// How to register at a trunk whose registrar is there; or why that cannot be.
fn registration(
    wanted: &flow::center::TrunkRegistration,
    transport: Transport,
    credentials: Result<&Credentials, &String>,
    bound: Bound,
    registrar: Result<Vec<SocketAddr>, String>,
) -> Result<TrunkRegistration, TrunkTrouble> {
    let credentials = credentials.map_err(|why| TrunkTrouble::Hindered(why.clone()))?;
    let unbound = || TrunkTrouble::Hindered(format!("{transport} is not bound"));
    let local = bound.at(transport).ok_or_else(unbound)?;
    let places = registrar.map_err(TrunkTrouble::Nowhere)?;
    Ok(TrunkRegistration {
        registrar: wanted.registrar.clone(),
        hops: places.into_iter().map(|remote| Hop { transport, local, remote }).collect(),
        aor: Uri::sip(Some(&credentials.username), wanted.registrar.host.as_str(), None),
        expires_s: wanted.expires_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows of one trunk that is written so, when names lead to these places.
    fn set_up(trunk: &str, places: &[(&str, &[&str])]) -> Setup {
        let center = flow::tests::demo_with(&format!("trunks: {{ provider: {trunk} }}\n"));
        let found = |name: Wanted| {
            let of = places.iter().find(|(host, _)| *host == name.to_string());
            let found = of.map(|(_, places)| places.iter().map(|place| place.parse().unwrap()).collect());
            (name, found.ok_or_else(|| "there is no such name".to_owned()))
        };
        let at: SocketAddr = "192.0.2.1:5060".parse().unwrap();
        let bound = Bound { udp: at, tcp: at, tls: Some(at) };
        setup(&center, bound, &names(&center).into_iter().map(found).collect())
    }

    fn words(places: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
        places.into_iter().map(|place| place.to_string()).collect()
    }

    #[test]
    fn a_trunk_by_address_is_there_by_its_transport_s_port_where_none_is_written() {
        let out = |trunk: &str| words(&set_up(trunk, &[]).ways_out["provider"]);
        assert_eq!(out("{ out: 192.0.2.7 }"), ["192.0.2.7:5060"]);
        assert_eq!(out("{ out: \"192.0.2.7:5070\" }"), ["192.0.2.7:5070"]);
        assert_eq!(out("{ out: \"2001:db8::7\", transport: tls }"), ["[2001:db8::7]:5061"]);
    }

    #[test]
    fn a_trunk_by_name_is_wherever_that_leads() {
        let trunk = "{ from: [sip.provider.example, 192.0.2.9], out: sip.provider.example, transport: tls }";
        let setup = set_up(trunk, &[("sip.provider.example", &["192.0.2.7:5061", "192.0.2.8:5071"])]);
        assert_eq!(words(&setup.ways_out["provider"]), ["192.0.2.7:5061", "192.0.2.8:5071"]);
        assert_eq!(words(&setup.trunks[0].sources), ["192.0.2.7", "192.0.2.8", "192.0.2.9"]);
        let name = "sip.provider.example".to_owned();
        let at = |place: &str| (place.parse().unwrap(), name.clone());
        assert_eq!(
            setup.certificates,
            [at("192.0.2.7:5061"), at("192.0.2.8:5071")],
            "wherever DNS has led us"
        );
        let other = set_up(
            &trunk.replace("transport", "certificate: other.example, transport"),
            &[(&name, &["192.0.2.7:5061"])],
        );
        assert_eq!(other.certificates, [("192.0.2.7:5061".parse().unwrap(), "other.example".to_owned())]);
    }

    #[test]
    fn where_a_name_leads_nowhere_it_is_said_why() {
        // A variable that every process has.
        let trunk =
            "{ out: out.example, register: { at: \"sip:in.example\", as: juniper, password_env: PATH } }";
        let setup = set_up(trunk, &[("out.example", &["192.0.2.7:5060"])]);
        let why = "its name in.example leads nowhere: there is no such name".to_owned();
        assert_eq!(setup.trunks[0].registration, Some(Err(TrunkTrouble::Nowhere(why))));
        assert_eq!(words(&setup.ways_out["provider"]), ["192.0.2.7:5060"]);
        let setup = set_up(trunk, &[("in.example", &["192.0.2.7:5060", "192.0.2.8:5060"])]);
        let registration = setup.trunks[0].registration.as_ref().unwrap().as_ref().unwrap();
        assert_eq!(
            words(registration.hops.iter().map(|hop| hop.remote)),
            ["192.0.2.7:5060", "192.0.2.8:5060"]
        );
        assert_eq!(words(&setup.ways_out["provider"]), [""; 0]);
    }

    #[test]
    fn who_cannot_prove_who_they_are_is_not_registered() {
        let trunk = "{ register: { at: \"sip:192.0.2.7\", as: juniper, password_env: WARMLINE_IS_NOT_SET } }";
        let setup = set_up(trunk, &[]);
        let why = "its password WARMLINE_IS_NOT_SET is not in the environment".to_owned();
        assert_eq!(setup.unproved, [("provider".into(), why.clone())]);
        assert_eq!(setup.trunks[0].registration, Some(Err(TrunkTrouble::Hindered(why))));
    }
}
