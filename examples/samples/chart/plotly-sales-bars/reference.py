import plotly.graph_objects as go

regions = ['North', 'East', 'South', 'West']
fig = go.Figure()
fig.add_trace(go.Bar(name='2023', x=regions, y=[120, 95, 143, 88], marker_color='#636EFA', text=[120, 95, 143, 88]))
fig.add_trace(go.Bar(name='2024', x=regions, y=[138, 110, 129, 117], marker_color='#EF553B', text=[138, 110, 129, 117]))
fig.update_layout(
    title='Sales by Region',
    barmode='group',
    xaxis_title='Region',
    yaxis_title='Units (thousand)',
    template='plotly_white',
    legend=dict(orientation='h', x=0.72, y=1.12),
    width=800,
    height=500,
)
fig.show()
