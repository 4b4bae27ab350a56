from hypothesis import settings

# No time limit an example: on a busy machine, or while something is compiled, it would decide.
settings.register_profile("fidelity", deadline=None)
settings.load_profile("fidelity")
