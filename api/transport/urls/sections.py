"""Routes by the beginning of their paths, so that an address is compared with those of its own.

The framework compares an address with all routes, one after the other: of two hundred and fifty
that costs a tenth to a sixth of what a page of the console computes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.routing import BaseRoute, Router
from starlette.types import Receive, Scope, Send

SPLIT: Final = ("/api/v1/", "/console/")
"""Below these a section is what follows next; elsewhere it is where a path begins."""
ANY: Final = "{"
"""By which a template says that something stands there that it does not name."""


def section_of(path: str) -> str:
    """Where a path belongs. Worked example: ``/api/v1/plans/studio`` to ``/api/v1/plans``."""
    begin = next((one for one in SPLIT if path.startswith(one)), "/")
    return begin + path[len(begin) :].partition("/")[0]


def template_of(route: BaseRoute) -> str:
    """The path of a route as it is documented; one that matches any, where it has none."""
    return str(getattr(route, "path", ANY))


class Sections:
    """The router of an application, which looks among the routes of an address's section alone.

    ``templates`` are the paths of what is included, by what includes it. Routes whose section is no
    name are in all sections. All keep their order, by which the first wins. Routes that are added
    later are found among all.
    """

    def __init__(self, router: Router, templates: Mapping[int, Sequence[str]]) -> None:
        self._all = router
        self._count = len(router.routes)
        known = [
            (route, {section_of(one) for one in templates.get(id(route), [template_of(route)])})
            for route in router.routes
        ]
        names = {name for _, its in known for name in its if ANY not in name}
        self._routers = {name: self._among(known, name) for name in names}
        self._elsewhere = self._among(known, ANY)

    @property
    def knows_all(self) -> bool:
        """Whether no route was added since."""
        return len(self._all.routes) == self._count

    def _among(self, known: Sequence[tuple[BaseRoute, set[str]]], name: str) -> Router:
        routes = [
            route for route, its in known if name in its or any(ANY in section for section in its)
        ]
        return type(self._all)(
            routes=routes,
            redirect_slashes=self._all.redirect_slashes,
            default=self._all.default,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the first route that has the address."""
        router = self._all
        is_split = scope["type"] == "http" and not scope.get("root_path")
        if is_split and self.knows_all:
            scope.setdefault("router", self._all)
            router = self._routers.get(section_of(scope["path"]), self._elsewhere)
        await router.app(scope, receive, send)
