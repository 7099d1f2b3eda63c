"""What is known of one server at a moment. Replaced as a whole, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from .api import Catalogue, Client, Kind, Server, Service, Usage


@dataclass(frozen=True, kw_only=True)
class HeraldData:
    server: Server
    services: Mapping[tuple[Kind, str], Service]
    """Engines and converters, those without credentials too."""
    catalogue: Catalogue
    usage: Usage

    @classmethod
    async def read(cls, client: Client) -> Self:
        """All of it, after the server proved who it is. Raises HeraldError."""
        return cls(
            server=await client.connect(),
            services=await client.services(),
            catalogue=await client.catalogue(),
            usage=await client.usage(),
        )

    @property
    def configured(self) -> Mapping[tuple[Kind, str], Service]:
        """Those that the server uses. What else it knows only how to use is nobody's problem, and no device."""
        return {key: service for key, service in self.services.items() if service.configured}

    def with_service(self, told: Service) -> dict[tuple[Kind, str], Service]:
        """The services, one of them as an event told it: without anything to configure, it is gone."""
        services = {**self.services, (told.kind, told.name): told}
        if not told.configured and not told.credentials:
            del services[told.kind, told.name]
        return services
