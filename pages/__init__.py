"""The screens. They know Streamlit and hold no logic."""
