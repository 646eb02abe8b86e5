//! PINs and passwords as argon2id hashes (RFC 9106) in PHC strings. Nothing here remembers a plain one.

use argon2::Argon2;
use argon2::PasswordHasher;
use argon2::PasswordVerifier;

use crate::base::Secret;
use crate::store::StoreError;

/// Hashes with argon2's recommended cost (19 MiB, two passes: some 20 ms) and a salt of its own.
pub(super) fn hash(secret: &Secret) -> Result<String, StoreError> {
    Argon2::default()
        .hash_password(secret.expose().as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| StoreError::Invalid(format!("the secret cannot be hashed: {error}")))
}

/// Whether `secret` is what was hashed. A hash that is none fits nothing.
pub(super) fn fits(secret: &Secret, hash: &str) -> bool {
    Argon2::default().verify_password(secret.expose().as_bytes(), hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_secret_fits() {
        let hash = hash(&Secret::new("4711")).unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(!hash.contains("4711$"));
        assert!(fits(&Secret::new("4711"), &hash));
        assert!(!fits(&Secret::new("4712"), &hash));
        assert!(!fits(&Secret::new("4711"), "no hash"));
    }
}
