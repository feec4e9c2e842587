"""An ML2 mechanism driver that binds every port on every host at once, with no agent."""

from neutron.db.migration.models import head  # noqa: F401  listing ports names models of plugins that are not loaded
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class AnyHost(api.MechanismDriver):
    """Binds as a plain tap, which Nova accepts and its fake driver never plugs."""

    def initialize(self) -> None:
        """Need nothing."""

    @property
    def connectivity(self) -> str:
        """Say what kind of network the ports have."""
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context: api.PortContext) -> None:
        """Bind to the first segment, active from the start."""
        segment = context.segments_to_bind[0]
        details = {portbindings.CAP_PORT_FILTER: False}
        context.set_binding(segment[api.ID], portbindings.VIF_TYPE_TAP, details, status=constants.PORT_STATUS_ACTIVE)
