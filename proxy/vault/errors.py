"""What can be wrong with the vault, by what the caller does about it.

KeyhatchError
├── VaultDamagedError                     restore a backup, or store the secret again
├── VaultBusyError                        try again
├── NotFoundError ← SecretMissingError    store the secret
└── OperatorNeededError
    ├── BindingChangedError               look at the change, then confirm
    └── VaultLockedError                  make the key available
        └── WrongKeyError                 another passphrase, file or keyring
"""

from config.errors import KeyhatchError, NotFoundError, OperatorNeededError


class VaultDamagedError(KeyhatchError):
    """The file, or one record of it, is not what Keyhatch wrote."""


class VaultBusyError(KeyhatchError):
    """Another program held the vault for longer than the busy timeout."""


class SecretMissingError(NotFoundError):
    """No secret is stored for a connector's slot."""


class BindingChangedError(OperatorNeededError):
    """The connector's destinations are not those that the secret was stored for."""


class VaultLockedError(OperatorNeededError):
    """The key-encryption key cannot be had from its source."""


class WrongKeyError(VaultLockedError):
    """The source gave a key, and it does not open this vault."""
