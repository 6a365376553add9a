# drover_generate(), used by our own build and installed for users'.
