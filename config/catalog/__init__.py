"""The provider catalog: what is known of each service, one YAML file per provider."""

from config.catalog.load import Catalog, load_catalog
from config.catalog.model import Form, OAuthForm, Provider, Var

__all__ = ["Catalog", "Form", "OAuthForm", "Provider", "Var", "load_catalog"]
